"""Objects that end in a straight line inside the picture."""

from dataclasses import replace

import pytest

from backend.inspection.base import WARN_AT
from backend.inspection.straight_cut import StraightCut
from models.arrays import Mask
from tests.fakes.inspected import disc, drawn, severities, with_first

RULE = StraightCut()


def half(row_wise: bool) -> Mask:
    mask = disc(30, 30, 14)
    if row_wise:
        mask[30:] = False
    else:
        mask[:, :30] = False
    return mask


@pytest.mark.parametrize("row_wise", [True, False])
def test_a_clipped_object_is_doubted(row_wise: bool) -> None:
    assert severities(RULE, with_first(drawn(half(row_wise))))["region-0"] >= WARN_AT


def test_round_objects_of_other_sizes_are_not() -> None:
    for radius in (4, 8, 25):
        assert severities(RULE, with_first(drawn(disc(40, 40, radius))))["region-0"] < WARN_AT


def test_an_object_that_the_picture_itself_clips_is_not_doubted() -> None:
    clipped = drawn(disc(0, 30, 14))
    number = RULE.number(clipped, with_first(clipped))
    assert number is not None
    assert number < 0.1


def test_boxes_are_straight_by_nature() -> None:
    box = replace(drawn(half(True)), is_box=True)
    assert "region-0" not in severities(RULE, with_first(box))


def test_a_mask_of_a_single_row_can_be_looked_at() -> None:
    line = disc(30, 30, 14)
    line[:30] = line[31:] = False
    assert severities(RULE, with_first(drawn(line)))["region-0"] >= 0
