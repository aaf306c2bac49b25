import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from models.arrays import Mask
from models.metrics import dice, iou

MASK_PAIRS = st_numpy.array_shapes(min_dims=2, max_dims=2, max_side=8).flatmap(
    lambda shape: st.tuples(st_numpy.arrays(bool, shape), st_numpy.arrays(bool, shape))
)


def circle(column: float, radius: float) -> Mask:
    rows, columns = np.mgrid[:400, :600]
    return np.asarray(np.hypot(rows - 200, columns - column) <= radius)


def lens_share(distance: float, radius: float) -> float:
    """Share of a circle that an equal circle at this distance covers."""
    half_angle = math.acos(distance / (2 * radius))
    return (2 * half_angle - math.sin(2 * half_angle)) / math.pi


@pytest.mark.parametrize("shift", [0, 30, 100, 150])
def test_shifted_circles_have_the_overlap_that_geometry_says(shift: int) -> None:
    share = lens_share(shift, 100)

    assert dice(circle(200, 100), circle(200 + shift, 100)) == pytest.approx(share, abs=0.005)
    assert iou(circle(200, 100), circle(200 + shift, 100)) == pytest.approx(share / (2 - share), abs=0.005)


@pytest.mark.parametrize("metric", [iou, dice])
def test_empty_masks_are_special(metric: Callable[[Mask, Mask], float]) -> None:
    empty = np.zeros((3, 4), dtype=bool)

    assert metric(empty, empty) == 1
    assert metric(empty, ~empty) == 0
    assert metric(~empty, empty) == 0


@pytest.mark.parametrize("metric", [iou, dice])
def test_different_shapes_are_an_error_even_when_they_broadcast(
    metric: Callable[[Mask, Mask], float],
) -> None:
    with pytest.raises(ValueError, match=r"\(3, 4\) and \(1, 4\)"):
        metric(np.ones((3, 4), dtype=bool), np.ones((1, 4), dtype=bool))


@given(MASK_PAIRS)
def test_dice_and_iou_are_symmetric_and_tell_the_same_story(pair: tuple[Mask, Mask]) -> None:
    mask, truth = pair
    overlap = iou(mask, truth)

    assert overlap == iou(truth, mask)
    assert dice(mask, truth) == pytest.approx(2 * overlap / (1 + overlap))
    assert (overlap == 1) == bool((mask == truth).all())
