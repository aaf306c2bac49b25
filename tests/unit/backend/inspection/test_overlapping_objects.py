"""Objects of one class that lie on each other."""

from dataclasses import replace

from backend.inspection.base import WARN_AT, Subject
from backend.inspection.overlapping_objects import OverlappingObjects
from tests.fakes.inspected import clean_project, clean_subject, disc, drawn, severities

RULE = OverlappingObjects()


def with_two(column: float, name: str = "cell") -> Subject:
    subject = clean_subject(77)
    two = drawn(disc(30, 30, 14), "cell", 10), drawn(disc(30, column, 12), name, 11)
    return replace(subject, objects=(*subject.objects[2:], *two))


def test_the_smaller_of_two_objects_of_a_class_on_each_other_is_doubted() -> None:
    assert set(severities(RULE, with_two(40))) == {"region-11"}
    assert severities(RULE, with_two(40))["region-11"] >= WARN_AT


def test_touching_objects_are_not_doubted() -> None:
    assert severities(RULE, with_two(60)) == {}
    assert severities(RULE, with_two(54))["region-11"] < WARN_AT


def test_other_classes_may_lie_on_an_object() -> None:
    assert severities(RULE, with_two(40, "grain")) == {}


def test_where_objects_usually_overlap_it_is_no_fault() -> None:
    assert severities(RULE, with_two(40), {key: with_two(40) for key in clean_project()})["region-11"] < 0.1
