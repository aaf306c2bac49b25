import numpy as np

from models.arrays import Mask
from models.metrics import iou
from models.postprocess.split_touching import SplitTouching
from models.prompts import Click
from models.regions import Region
from tests.fakes.shapes import PLAIN, SIZE_HW, box, disc, processed, region_of

LEFT, RIGHT = disc(40, 28, 15), disc(40, 55, 14)


def test_two_discs_that_touch_become_two_regions_of_the_same_class_and_score() -> None:
    regions = SplitTouching().process([region_of(LEFT | RIGHT)], PLAIN)

    assert {(region.class_name, region.score) for region in regions} == {("thing", 0.7)}
    masks = [region.full_mask(SIZE_HW) for region in regions]
    assert len(masks) == 2
    assert iou(masks[0], LEFT) > 0.95
    assert iou(masks[1], RIGHT) > 0.9
    assert np.array_equal(masks[0] | masks[1], LEFT | RIGHT)
    assert not (masks[0] & masks[1]).any()


def test_a_chain_of_three_becomes_three() -> None:
    assert len(processed(SplitTouching(), LEFT | RIGHT | disc(40, 80, 14))) == 3


def test_an_object_without_a_neck_stays_whole() -> None:
    whole = box(20, 10, 60, 90) | disc(40, 88, 10)
    assert len(processed(SplitTouching(), whole)) == 1


def test_a_wide_neck_divides_only_when_told_to() -> None:
    overlapping = disc(40, 35, 15) | disc(40, 57, 15)
    assert len(processed(SplitTouching(), overlapping)) == 1
    assert len(processed(SplitTouching(neck=0.9), overlapping)) == 2


def test_a_small_bump_is_no_object() -> None:
    bump = LEFT | box(39, 40, 42, 46) | disc(40, 47, 3.5)
    assert len(processed(SplitTouching(), bump)) == 1
    assert len(processed(SplitTouching(least_radius=1), bump)) == 2


def test_pieces_that_do_not_touch_stay_one_region_even_beside_a_division() -> None:
    piece = disc(10, 90, 6)
    masks = processed(SplitTouching(), LEFT | RIGHT | piece)
    assert len(masks) == 2
    assert (masks[0] | masks[1])[piece].all()


def test_what_somebody_clicked_stays_one_object() -> None:
    assert len(processed(SplitTouching(), LEFT | RIGHT, clicks=(Click(40, 28),))) == 1
    assert len(processed(SplitTouching(), LEFT | RIGHT, clicks=(Click(5, 5), Click(40, 28, False)))) == 2


def test_a_region_with_a_hole_and_a_corner_contact_loses_no_pixel() -> None:
    mask = (LEFT & ~disc(40, 28, 5)) | box(55, 40, 58, 43)
    mask[54, 39] = True
    parts = SplitTouching(neck=0.9, least_radius=1).process([region_of(mask)], PLAIN)
    assert sum(part.area for part in parts) == np.count_nonzero(mask)
    assert np.array_equal(union(parts), mask)


def union(regions: list[Region]) -> Mask:
    return np.asarray(np.logical_or.reduce([region.full_mask(SIZE_HW) for region in regions]))
