"""Objects that were drawn twice."""

from dataclasses import replace

from backend.inspection.base import WARN_AT, Subject
from backend.inspection.duplicate_object import DuplicateObject
from models.arrays import Mask
from tests.fakes.inspected import clean_subject, disc, drawn, issues_of

RULE = DuplicateObject()


def with_more(*masks: Mask, name: str = "cell") -> Subject:
    subject = clean_subject(77)
    more = (drawn(mask, name, 10 + number) for number, mask in enumerate(masks))
    return replace(subject, objects=(*subject.objects[2:], *more))


def test_nearly_the_same_object_is_doubted_once_whatever_its_label() -> None:
    for name in ("cell", "grain"):
        subject = with_more(disc(30, 30, 14), disc(30, 31, 14), name=name)
        (issue,) = issues_of(RULE, subject)
        assert issue.severity >= WARN_AT
        assert issue.region_ids == ("region-10", "region-11")


def test_of_three_the_second_and_third_are_doubted_and_the_more_the_more_alike() -> None:
    (second, third) = issues_of(RULE, with_more(disc(30, 30, 14), disc(30, 31, 14), disc(30, 30, 14)))
    assert {second.region_ids[1], third.region_ids[1]} == {"region-11", "region-12"}
    assert third.severity == 1 > second.severity


def test_neighbours_and_objects_inside_others_are_not() -> None:
    assert issues_of(RULE, with_more(disc(30, 30, 14), disc(30, 50, 14), disc(30, 30, 8))) == []
