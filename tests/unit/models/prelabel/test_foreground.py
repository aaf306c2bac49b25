import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray
from skimage import data
from skimage.filters import gaussian, threshold_otsu

from models.arrays import Image
from models.metrics import iou
from models.prelabel.foreground import find_foreground, image_class

ROWS, COLUMNS = np.mgrid[:150, :200]
DISC = np.hypot(ROWS - 75, COLUMNS - 100) < 30


def in_colour(grey: ArrayLike) -> Image:
    return np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[:, :, None], 3, axis=2)


def white_noise(spread: float) -> NDArray[np.float64]:
    return np.random.default_rng(0).normal(0, spread, (150, 200))


@pytest.mark.parametrize(("inside", "outside"), [(200, 50), (50, 200)])
def test_the_object_is_found_whether_it_is_bright_or_dark(inside: int, outside: int) -> None:
    foreground = find_foreground(in_colour(np.where(DISC, inside, outside) + white_noise(5)))

    assert iou(foreground.mask, DISC) > 0.99
    assert foreground.separability > 0.95
    assert image_class(foreground).class_name == "not-empty"


@pytest.mark.parametrize(("inside", "outside"), [(200, 50), (50, 200)])
def test_an_object_that_fills_most_of_the_picture_is_still_the_foreground(inside: int, outside: int) -> None:
    truth = np.hypot((ROWS - 75) / 70, (COLUMNS - 100) / 95) < 1

    assert iou(find_foreground(in_colour(np.where(truth, inside, outside))).mask, truth) > 0.98


def test_when_the_border_shows_both_sides_the_smaller_is_the_foreground() -> None:
    truth = COLUMNS >= 110

    assert iou(find_foreground(in_colour(np.where(truth, 60, 180))).mask, truth) > 0.98


def test_a_stain_is_found_in_the_channel_that_shows_it() -> None:
    picture = np.full((150, 200, 3), (230, 200, 220), dtype=np.uint8)
    picture[DISC] = (230, 120, 220)

    assert iou(find_foreground(picture).mask, DISC) > 0.97


def test_uneven_light_is_corrected() -> None:
    slope = 40 + 100 * COLUMNS / 200
    discs = (np.hypot(ROWS % 50 - 25, COLUMNS % 50 - 25) < 12) & (ROWS > 5)

    assert iou(find_foreground(in_colour(slope + 50 * discs + white_noise(2))).mask, discs) > 0.95


@pytest.mark.parametrize(
    "picture",
    [
        np.full((150, 200), 90),
        120 + white_noise(3),
        120 + white_noise(30),
        np.where(COLUMNS > 90, 78, 77),
        COLUMNS * 1.2,
        200 - 60 * (((ROWS - 75) / 75) ** 2 + ((COLUMNS - 100) / 100) ** 2) + white_noise(3),
    ],
    ids=["constant", "weak noise", "strong noise", "one grey level", "slope", "vignette"],
)
def test_a_picture_of_nothing_is_empty(picture: ArrayLike) -> None:
    foreground = find_foreground(in_colour(picture))

    assert not foreground.mask.any()
    assert foreground.presence < 0.5
    assert image_class(foreground).class_name == "empty"
    assert image_class(foreground).score == 1 - foreground.presence


def test_a_weak_disc_in_noise_is_something() -> None:
    assert iou(find_foreground(in_colour(80 + 10 * DISC + white_noise(3))).mask, DISC) > 0.95


def test_a_small_spot_is_something() -> None:
    spot = np.hypot(ROWS - 75, COLUMNS - 100) < 5

    assert iou(find_foreground(in_colour(30 + 90 * spot + white_noise(3))).mask, spot) > 0.7


def test_the_threshold_is_that_of_scikit_image() -> None:
    camera = data.camera()
    smooth = gaussian(camera.astype(float), 1.0, truncate=4)
    dark = smooth <= threshold_otsu(smooth)
    found = find_foreground(in_colour(camera)).mask

    # The light correction moves the threshold a little, the border decides for the dark coat.
    assert iou(found, dark) > 0.9


def test_large_pictures_are_sampled_without_changing_the_result() -> None:
    disc = np.hypot(*np.mgrid[-450:450, -600:600]) < 200
    picture = in_colour(60 + 80 * disc + np.random.default_rng(1).normal(0, 6, disc.shape))

    assert iou(find_foreground(picture).mask, disc) > 0.99
