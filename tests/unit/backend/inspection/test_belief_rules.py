"""Rules that compare an annotation with what the network believes."""

from dataclasses import replace

import pytest

from backend.inspection import RULES
from backend.inspection.base import WARN_AT, DrawnObject, Issue, Subject
from models.regions import Region
from tests.fakes.inspected import belief_in, clean_project, clean_subject, disc, drawn, issues_of

BELIEF_RULES = ("missed-object", "spurious-object", "unlike-model", "unlikely-pixels", "wrong-class")


def warnings_of(name: str, subject: Subject) -> list[Issue]:
    """What a rule warns about in an otherwise faultless project."""
    return [issue for issue in issues_of(RULES.create(name), subject) if issue.severity >= WARN_AT]


def without(subject: Subject, index: int) -> tuple[DrawnObject, ...]:
    return subject.objects[:index] + subject.objects[index + 1 :]


@pytest.mark.parametrize("name", BELIEF_RULES)
def test_without_a_network_nothing_is_measured(name: str) -> None:
    assert RULES.create(name).measure(replace(clean_subject(1), belief=None)) == {}


@pytest.mark.parametrize("name", BELIEF_RULES)
def test_what_the_network_agrees_with_is_not_doubted(name: str) -> None:
    assert warnings_of(name, clean_subject(77)) == []


def test_a_forgotten_object_is_shown_where_the_network_sees_it() -> None:
    subject = clean_subject(77)
    (issue,) = warnings_of("missed-object", replace(subject, objects=without(subject, 1)))
    assert issue.box == subject.objects[1].region.box
    assert "cell" in issue.message


def test_a_network_that_is_often_contradicted_is_not_believed() -> None:
    rule = RULES.create("missed-object")
    project = clean_project()
    forgetful = {
        key: replace(each, objects=without(each, 1)) if number % 2 else each
        for number, (key, each) in enumerate(project.items())
    }
    measured = {key: rule.measure(each) for key, each in forgetful.items()}
    usual = rule.learn(measured)
    found = [issue for key, each in measured.items() for issue in rule.judge(key, each, usual)]
    assert found
    assert all(issue.severity < WARN_AT for issue in found)


def test_an_object_where_the_network_sees_nothing_is_doubted() -> None:
    subject = clean_subject(77)
    added = drawn(disc(80, 80, 12), "cell", 9)
    (issue,) = warnings_of("spurious-object", replace(subject, objects=(*subject.objects, added)))
    assert issue.region_ids == ("region-9",)


def test_a_label_that_the_network_would_not_give_is_doubted() -> None:
    subject = clean_subject(77)
    cell = subject.objects[0]
    wrong = replace(cell, region=replace(cell.region, class_name="grain"))
    (issue,) = warnings_of("wrong-class", replace(subject, objects=(wrong, *subject.objects[1:])))
    assert issue.region_ids == (cell.id,)
    assert issue.message == "Labelled grain, but the model takes it for cell."


def test_labels_that_the_network_does_not_know_are_left_alone() -> None:
    subject = clean_subject(77)
    new = replace(subject.objects[0], region=replace(subject.objects[0].region, class_name="new"))
    assert warnings_of("wrong-class", replace(subject, objects=(new,))) == []


@pytest.mark.parametrize("name", ["unlike-model", "unlikely-pixels"])
def test_another_picture_s_objects_are_doubted(name: str) -> None:
    subject = clean_subject(77)
    moved = tuple(
        replace(each, region=Region(each.region.mask, each.region.top, max(0, each.region.left - 20), "cell"))
        for each in subject.objects
    )
    assert warnings_of(name, replace(subject, objects=moved))


def test_a_picture_in_which_neither_sees_anything_says_nothing_about_agreement() -> None:
    nothing = replace(clean_subject(3), objects=(), belief=belief_in([]))
    assert RULES.create("unlike-model").measure(nothing) == {}
