"""Pictures that several people annotated differently."""

from dataclasses import replace

from backend.inspection.annotators_disagree import AnnotatorsDisagree
from backend.inspection.base import WARN_AT, DrawnObject, Subject
from tests.fakes.inspected import clean_project, clean_subject, disc, drawn, issues_of

RULE = AnnotatorsDisagree()
Objects = tuple[DrawnObject, ...]


def moved(objects: Objects, by: int) -> Objects:
    return tuple(replace(each, region=replace(each.region, top=each.region.top + by)) for each in objects)


def with_others(subject: Subject, *others: Objects) -> Subject:
    return replace(subject, others=others)


TEAM = {key: with_others(each, moved(each.objects, 1)) for key, each in clean_project().items()}


def test_objects_that_nobody_else_drew_are_doubted_and_named() -> None:
    subject = clean_subject(77)
    more = drawn(disc(80, 100, 12), "cell", 9)
    faulty = with_others(replace(subject, objects=(*subject.objects, more)), subject.objects, subject.objects)
    (issue,) = issues_of(RULE, faulty, TEAM)
    assert issue.severity >= WARN_AT
    assert issue.region_ids == ("region-9",)
    assert issue.message.startswith("Other annotators drew this differently")


def test_objects_that_others_drew_are_missed() -> None:
    subject = clean_subject(77)
    faulty = with_others(replace(subject, objects=subject.objects[1:]), subject.objects)
    (issue,) = issues_of(RULE, faulty, TEAM)
    assert issue.severity >= WARN_AT
    assert issue.region_ids == ()
    assert issue.message.endswith("objects that only this has 0, that it lacks 1.")


def test_another_label_is_another_object() -> None:
    subject = clean_subject(77)
    renamed = replace(subject.objects[0], region=replace(subject.objects[0].region, class_name="grain"))
    faulty = with_others(replace(subject, objects=(renamed, *subject.objects[1:])), subject.objects)
    assert issues_of(RULE, faulty, TEAM)[0].severity >= WARN_AT


def test_usual_differences_and_other_partings_are_not_doubted() -> None:
    subject = clean_subject(77)
    both = drawn(
        subject.objects[0].region.full_mask(subject.size_hw)
        | subject.objects[1].region.full_mask(subject.size_hw)
    )
    for others in (moved(subject.objects, 1), (both, subject.objects[2])):
        issues = issues_of(RULE, with_others(subject, others), TEAM)
        assert all(issue.severity < WARN_AT for issue in issues)


def test_where_people_usually_disagree_it_is_no_fault() -> None:
    loose = {key: with_others(each, moved(each.objects, 6)) for key, each in clean_project().items()}
    subject = clean_subject(77)
    strange = with_others(subject, moved(subject.objects, 6))
    assert issues_of(RULE, strange, TEAM)[0].severity >= WARN_AT
    assert all(issue.severity < WARN_AT for issue in issues_of(RULE, strange, loose))


def test_a_single_annotation_has_nobody_to_disagree_with() -> None:
    assert issues_of(RULE, clean_subject(77), TEAM) == []


def test_one_empty_annotation_of_two_is_doubted_from_the_first_picture_on() -> None:
    subject = clean_subject(77)
    assert (
        issues_of(RULE, with_others(replace(subject, objects=()), subject.objects), {})[0].severity >= WARN_AT
    )
