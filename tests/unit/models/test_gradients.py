import numpy as np

from models.gradients import gradients, smooth_lab


def test_a_ramp_has_its_slope_everywhere_and_a_plain_picture_none() -> None:
    rows, columns = np.mgrid[:20, :30].astype(np.float32)
    slopes = gradients(np.dstack([3 * rows, 4 * columns]))
    assert np.allclose(slopes[1:-1, 1:-1], 5, atol=1e-4)
    assert gradients(np.ones((5, 5, 3), np.float32)).max() == 0


def test_black_and_white_are_a_hundred_apart() -> None:
    image = np.zeros((20, 20, 3), np.uint8)
    image[:, 10:] = 255
    lab = smooth_lab(image)
    assert np.allclose(lab[10, 0], 0, atol=0.1)
    assert np.allclose(lab[10, -1], (100, 0, 0), atol=0.1)
