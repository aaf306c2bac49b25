import numpy as np

from models.metrics import iou
from models.postprocess.snap_to_edges import SnapToEdges
from models.prompts import Click
from tests.fakes.shapes import PLAIN, SIZE_HW, disc, picture_of, region_of

TRUTH = disc(40, 50, 20)
PICTURE = picture_of(TRUTH)


def test_an_outline_beside_the_edge_moves_onto_it() -> None:
    for drawn in (disc(40, 53, 20), disc(40, 50, 17), disc(40, 50, 23)):
        (region,) = SnapToEdges().process([region_of(drawn)], PICTURE)
        assert iou(drawn, TRUTH) < 0.85
        assert iou(region.full_mask(SIZE_HW), TRUTH) > 0.97


def test_it_moves_no_farther_than_it_may() -> None:
    drawn = disc(40, 50, 14)
    (region,) = SnapToEdges(reach=3).process([region_of(drawn)], PICTURE)
    assert not (region.full_mask(SIZE_HW) & ~disc(40, 50, 18)).any()


def test_the_outline_of_a_small_object_moves_less() -> None:
    drawn = disc(40, 50, 4.5)
    (region,) = SnapToEdges(least_gain=1).process([region_of(drawn)], picture_of(disc(40, 50, 8)))
    moved = region.full_mask(SIZE_HW)
    assert not (moved & ~disc(40, 50, 7.5)).any()
    assert moved[disc(40, 50, 2)].all()


def test_an_outline_on_the_edge_stays() -> None:
    (region,) = SnapToEdges().process([region_of(TRUTH)], PICTURE)
    assert np.array_equal(region.full_mask(SIZE_HW), TRUTH)


def test_a_picture_without_edges_changes_nothing() -> None:
    drawn = disc(40, 53, 20)
    (region,) = SnapToEdges().process([region_of(drawn)], PLAIN)
    assert np.array_equal(region.full_mask(SIZE_HW), drawn)


def test_other_regions_and_clicks_are_respected() -> None:
    neighbour = disc(40, 50, 21) & ~disc(40, 50, 16)
    drawn = disc(40, 50, 16)
    clicks = (Click(40, 50), Click(21, 50, False))
    region, other = SnapToEdges().process([region_of(drawn), region_of(neighbour)], PICTURE, clicks)
    assert not (region.full_mask(SIZE_HW) & other.full_mask(SIZE_HW)).any()
    assert region.full_mask(SIZE_HW)[40, 50]
    assert not region.full_mask(SIZE_HW)[21, 50]
