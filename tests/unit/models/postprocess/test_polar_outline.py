import numpy as np
import pytest

from models.arrays import Image, Mask
from models.metrics import iou
from models.postprocess.polar_outline import PolarOutline
from tests.fakes.shapes import (
    COLUMNS,
    PLAIN,
    ROWS,
    SIZE_HW,
    box,
    disc,
    picture_of,
    region_of,
    trembling_disc,
)

ELLIPSE = np.asarray(np.hypot((ROWS - 40) / 20, (COLUMNS - 50) / 30) < 1)


def refined(drawn: Mask, picture: Image, **options: float) -> Mask:
    (region,) = PolarOutline(**options).process([region_of(drawn)], picture)  # type: ignore[arg-type] # layers
    return region.full_mask(SIZE_HW)


@pytest.mark.parametrize("drawn", [disc(40, 50, 24), trembling_disc(40, 52, 25)])
def test_a_rough_outline_moves_onto_the_edge_around_its_centre(drawn: Mask) -> None:
    found = refined(drawn, picture_of(ELLIPSE), reach=0.4, bend=2)
    assert iou(drawn, ELLIPSE) < 0.85
    assert iou(found, ELLIPSE) > 0.97


def test_a_gap_in_the_edge_is_bridged() -> None:
    picture = picture_of(ELLIPSE)
    picture[30:50, 60:] = picture[40, 50]
    found = refined(trembling_disc(40, 50, 24) & ELLIPSE, picture, reach=0.4, bend=2, least_gain=1.2)
    assert iou(found, ELLIPSE) > 0.9


@pytest.mark.parametrize("dark", [False, True])
def test_the_outline_lies_where_inside_turns_to_outside_whichever_is_darker(dark: bool) -> None:
    picture = picture_of(disc(40, 50, 20))
    found = refined(disc(40, 50, 18), 255 - picture if dark else picture)
    assert iou(found, disc(40, 50, 20)) > 0.97


def test_it_moves_no_farther_than_it_may() -> None:
    found = refined(disc(40, 50, 12), picture_of(disc(40, 50, 20)), reach=0.2)
    assert not (found & ~disc(40, 50, 15.5)).any()


@pytest.mark.parametrize(
    "drawn",
    [box(38, 10, 42, 90), disc(40, 20, 15) | disc(40, 80, 15), disc(40, 50, 2)],
    ids=["a line", "two pieces", "a dot"],
)
def test_what_does_not_lie_around_its_centre_stays_as_it_is(drawn: Mask) -> None:
    assert np.array_equal(refined(drawn, picture_of(ELLIPSE), reach=0.9), drawn)


def test_a_picture_without_edges_and_an_outline_on_the_edge_change_nothing() -> None:
    assert np.array_equal(refined(disc(40, 50, 20), PLAIN), disc(40, 50, 20))
    assert np.array_equal(refined(ELLIPSE, picture_of(ELLIPSE)), ELLIPSE)


def test_the_hole_of_a_ring_stays_with_one_layer_and_is_found_with_two() -> None:
    wall = disc(40, 50, 25) & ~disc(40, 50, 14)
    drawn = disc(40, 50, 23) & ~disc(40, 50, 16)
    one, two = (refined(drawn, picture_of(wall), layers=layers) for layers in (1, 2))

    assert not (one & disc(40, 50, 16)).any()
    assert iou(one | disc(40, 50, 16), disc(40, 50, 25)) > 0.97
    assert iou(two, wall) > 0.95
