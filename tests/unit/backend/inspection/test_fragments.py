"""Objects in several pieces."""

from backend.inspection.base import WARN_AT
from backend.inspection.fragments import Fragments
from tests.fakes.inspected import clean_project, disc, drawn, issues_of, severities, with_first

RULE = Fragments()


def test_crumbs_and_parts_are_doubted_and_told_apart() -> None:
    (crumb,) = issues_of(RULE, with_first(drawn(disc(30, 30, 14) | disc(60, 60, 1.5))))
    (parts,) = issues_of(RULE, with_first(drawn(disc(30, 30, 14) | disc(70, 60, 12))))
    assert WARN_AT <= crumb.severity == parts.severity
    assert crumb.message == "1 crumb beside the object."
    assert parts.message == "The object is in 2 pieces."


def test_many_pieces_are_worse_than_two() -> None:
    two = disc(30, 30, 14) | disc(60, 60, 2)
    many = two | disc(60, 70, 2) | disc(60, 80, 2)
    worse, better = (severities(RULE, with_first(drawn(mask)))["region-0"] for mask in (many, two))
    assert worse > better


def test_whole_objects_and_diagonal_lines_of_pixels_are_no_fragments() -> None:
    line = disc(30, 30, 14)
    for step in range(5):
        line[40 + step, 40 + step] = True
    assert severities(RULE, with_first(drawn(disc(30, 30, 14)))) == {}
    assert severities(RULE, with_first(drawn(line))) == {}


def test_a_class_that_is_usually_in_pieces_is_not_doubted() -> None:
    pieces = with_first(drawn(disc(30, 30, 14) | disc(70, 60, 12)))
    project = {key: pieces for key in clean_project()}
    assert severities(RULE, pieces, project)["region-0"] < 0.1
