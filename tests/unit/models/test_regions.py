import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from models.arrays import Mask
from models.metrics import iou
from models.regions import Region, overlaps

MASKS = st_numpy.arrays(bool, st_numpy.array_shapes(min_dims=2, max_dims=2, max_side=12))


def l_shape() -> Region:
    mask = np.zeros((10, 12), dtype=bool)
    mask[2:6, 3] = True
    mask[5, 3:8] = True
    region = Region.from_mask(mask, "letter", 0.5)
    assert region is not None
    return region


def test_a_mask_is_cropped_to_its_object() -> None:
    region = l_shape()

    assert region.box == (2, 3, 6, 8)
    assert region.mask.shape == (4, 5)
    assert region.area == 8
    assert (region.class_name, region.score) == ("letter", 0.5)


def test_an_empty_mask_is_no_region() -> None:
    assert Region.from_mask(np.zeros((3, 4), dtype=bool)) is None


@given(MASKS)
def test_cropping_and_pasting_gives_the_mask_back(mask: Mask) -> None:
    region = Region.from_mask(mask)

    if region is None:
        assert not mask.any()
    else:
        assert np.array_equal(region.full_mask((mask.shape[0], mask.shape[1])), mask)
        assert region.area == np.count_nonzero(mask)


def test_the_crop_does_not_share_memory_with_the_mask() -> None:
    mask = np.ones((3, 4), dtype=bool)
    region = Region.from_mask(mask)
    mask[:] = False

    assert region is not None
    assert region.area == 12


def test_what_sticks_out_of_the_picture_is_cut_off() -> None:
    square = np.ones((4, 4), dtype=bool)

    assert Region(square, -1, -2).full_mask((10, 10)).sum() == 6
    assert Region(square, 8, 9).full_mask((10, 10)).sum() == 2
    assert Region(square, -1, -1).full_mask((2, 2)).sum() == 4


def test_a_region_beside_the_picture_leaves_it_empty() -> None:
    square = np.ones((4, 4), dtype=bool)

    for top, left in [(-9, 0), (0, -9), (20, 0), (0, 20), (-4, -4), (10, 10)]:
        assert not Region(square, top, left).full_mask((10, 10)).any()


def test_a_changed_mask_keeps_place_class_and_score() -> None:
    region = l_shape()
    corner = np.zeros_like(region.mask)
    corner[3, 4] = True
    changed = region.with_mask(corner)

    assert changed is not None
    assert changed.box == (5, 7, 6, 8)
    assert (changed.class_name, changed.score) == ("letter", 0.5)
    assert region.area == 8


def test_a_region_whose_mask_became_empty_is_gone() -> None:
    region = l_shape()

    assert region.with_mask(np.zeros_like(region.mask)) is None


@given(MASKS, MASKS, *[st.integers(0, 6)] * 4)
def test_the_overlap_is_that_of_the_pasted_masks(
    one: Mask, other: Mask, top: int, left: int, other_top: int, other_left: int
) -> None:
    regions = Region(one, top, left), Region(other, other_top, other_left)
    masks = [region.full_mask((20, 20)) for region in regions]
    if masks[0].any() and masks[1].any():
        assert regions[0].iou(regions[1]) == iou(*masks)


@given(st.integers(-6, 14), st.integers(-6, 16))
def test_painting_gives_the_objects_pixels_a_value_and_leaves_the_others(top: int, left: int) -> None:
    shape = np.array([[True, False, True], [True, True, False]])
    canvas = np.full((10, 12), 7, dtype=np.int32)
    region = Region(shape, top, left)
    region.paint(canvas, 3)

    assert np.array_equal(canvas == 3, region.full_mask((10, 12)))
    assert set(np.unique(canvas)) <= {3, 7}


def test_the_same_pixels_are_the_same_whatever_they_are_called() -> None:
    square = Region(np.ones((4, 4), bool), 1, 2, "a", 0.5)
    assert square.same_pixels(Region(np.ones((4, 4), bool), 1, 2, "b", 0.9))
    assert not square.same_pixels(Region(np.ones((4, 4), bool), 2, 2, "a", 0.5))
    assert not square.same_pixels(Region(np.tri(4, dtype=bool), 1, 2, "a", 0.5))


def test_overlaps_are_those_of_all_pairs() -> None:
    squares = [Region(np.ones((4, 4), bool), 0, left) for left in (0, 2, 10)]
    table = overlaps(squares, squares[:2])
    assert table.tolist() == [[one.iou(two) for two in squares[:2]] for one in squares]
    assert table[0, 1] == pytest.approx(1 / 3)
    assert overlaps([], squares).shape == (0, 3)
    assert overlaps(squares, []).shape == (3, 0)
