"""Objects that end at the border of the picture."""

from backend.inspection.base import WARN_AT
from backend.inspection.cut_by_border import CutByBorder
from tests.fakes.inspected import clean_project, disc, drawn, severities, with_first

RULE = CutByBorder()


def test_half_an_object_at_the_border_is_doubted_and_a_touch_is_not() -> None:
    half, touch = (severities(RULE, with_first(drawn(disc(row, 30, 14))))["region-0"] for row in (0, 13.5))
    assert half >= WARN_AT > touch


def test_objects_inside_are_not_doubted() -> None:
    assert severities(RULE, with_first(drawn(disc(30, 30, 14)))) == {}


def test_where_objects_are_usually_cut_off_it_is_no_fault() -> None:
    half = with_first(drawn(disc(0, 30, 14)))
    assert severities(RULE, half, {key: half for key in clean_project()})["region-0"] < 0.1
