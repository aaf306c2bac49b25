import numpy as np
import pytest

from models.arrays import Mask
from models.errors import OptionError
from models.metrics import iou
from models.postprocess.smooth_outline import SmoothOutline
from models.prompts import Click
from tests.fakes.shapes import SIZE_HW, box, disc, processed, trembling_disc

DISC = disc(40, 50, 20)


def test_a_jagged_outline_becomes_smooth_and_keeps_its_area() -> None:
    jagged = trembling_disc(40, 50, 20)
    (mask,) = processed(SmoothOutline(), jagged)

    assert np.count_nonzero(mask) == np.count_nonzero(jagged)
    assert iou(mask, DISC) > iou(jagged, DISC) + 0.02
    assert corners(mask) < 0.7 * corners(jagged)


def corners(mask: Mask) -> int:
    """Places where the outline turns."""
    padded = np.pad(mask, 1).astype(int)
    blocks = padded[:-1, :-1] + padded[1:, :-1] + padded[:-1, 1:] + padded[1:, 1:]
    return int(np.count_nonzero(blocks % 2))


def test_a_larger_radius_smooths_more() -> None:
    spike = disc(40, 40, 18) | box(38, 40, 43, 70)
    reach = [
        np.flatnonzero(processed(SmoothOutline(radius=radius), spike)[0].any(axis=0)).max()
        for radius in (0.5, 5)
    ]
    assert reach[0] == 69
    assert reach[1] < 67


def test_what_is_as_thin_as_the_blur_is_left_alone() -> None:
    line = box(30, 10, 33, 90)
    assert np.array_equal(processed(SmoothOutline(radius=3), line)[0], line)


def test_an_object_that_the_picture_cuts_off_keeps_its_straight_edge() -> None:
    cut = disc(0, 50, 25)
    (mask,) = processed(SmoothOutline(radius=3), cut)
    assert np.array_equal(mask[0], cut[0])


def test_neighbours_stay_apart_and_clicked_pixels_stay_where_they_are() -> None:
    left, right = box(20, 20, 60, 50), box(20, 50, 60, 80)
    tooth = box(38, 80, 41, 84)
    clicks = (Click(39, 83), Click(19, 21, False))
    first, second = processed(SmoothOutline(radius=3), left, right | tooth, clicks=clicks)

    assert not (first & second).any()
    assert second[39, 83]
    assert not first[19, 21]
    assert first.shape == SIZE_HW


@pytest.mark.parametrize("radius", [0, 21])
def test_a_radius_out_of_range_is_refused(radius: float) -> None:
    with pytest.raises(OptionError, match=r"radius must be from 0\.5 to 20"):
        SmoothOutline(radius=radius)
