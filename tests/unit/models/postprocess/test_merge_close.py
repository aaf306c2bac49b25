import numpy as np
import pytest

from models.arrays import Mask
from models.postprocess.merge_close import MergeClose
from models.prompts import Click
from tests.fakes.shapes import PLAIN, SIZE_HW, box, processed, region_of

LEFT, RIGHT = box(30, 20, 50, 40), box(30, 44, 50, 60)
GAP = box(30, 40, 50, 44)


def is_bridged(mask: Mask) -> bool:
    """Whether both sides and the gap are inside and nothing else, but for the gap's rounded ends."""
    return bool(mask[LEFT | RIGHT | box(32, 40, 48, 44)].all() and not mask[~(LEFT | RIGHT | GAP)].any())


def test_close_regions_of_a_class_become_one_and_the_gap_is_filled() -> None:
    (mask,) = processed(MergeClose(gap=4), LEFT, RIGHT)
    assert is_bridged(mask)


def test_regions_farther_apart_stay_two() -> None:
    assert len(processed(MergeClose(gap=2), LEFT, RIGHT)) == 2


def test_touching_regions_become_one_without_any_gap() -> None:
    (mask,) = processed(MergeClose(gap=0), LEFT, GAP)
    assert np.array_equal(mask, LEFT | GAP)


def test_pieces_of_one_region_are_joined_too() -> None:
    (mask,) = processed(MergeClose(gap=4), LEFT | RIGHT)
    assert is_bridged(mask)


def test_regions_of_other_classes_are_not_joined_and_their_pixels_not_taken() -> None:
    between = region_of(box(30, 41, 50, 43), "other")
    merged, other = MergeClose(gap=4).process([region_of(LEFT), region_of(RIGHT), between], PLAIN)

    assert (merged.class_name, other.class_name) == ("thing", "other")
    assert np.array_equal(other.full_mask(SIZE_HW), between.full_mask(SIZE_HW))
    assert not (merged.full_mask(SIZE_HW) & between.full_mask(SIZE_HW)).any()


def test_a_joined_region_has_the_score_of_its_largest_part() -> None:
    (merged,) = MergeClose(gap=4).process([region_of(RIGHT, score=0.2), region_of(LEFT, score=0.9)], PLAIN)
    assert merged.score == 0.9


def test_a_negative_click_stays_outside() -> None:
    (mask,) = processed(MergeClose(gap=4), LEFT, RIGHT, clicks=(Click(40, 42, False),))
    assert not mask[40, 42]
    mask[40, 42] = True
    assert is_bridged(mask)


@pytest.mark.parametrize("notch", [box(38, 30, 41, 40), box(30, 20, 31, 21)])
def test_notches_of_a_single_piece_are_not_filled(notch: Mask) -> None:
    assert np.array_equal(processed(MergeClose(gap=6), LEFT & ~notch)[0], LEFT & ~notch)


def test_a_gap_at_the_border_of_the_picture_is_filled() -> None:
    top = box(0, 20, 10, 40), box(0, 44, 10, 60)
    (mask,) = processed(MergeClose(gap=4), *top)
    assert mask[2:8, 20:60].all()
    assert not mask[10:].any()
