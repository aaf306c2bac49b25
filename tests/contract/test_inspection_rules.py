"""What every inspection rule promises; a new member of the registry is covered without further work."""

import json
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest

from backend.inspection import RULES
from backend.inspection.base import WARN_AT, Issue, Json, Subject
from models.regions import Region
from tests.fakes.inspected import clean_project, clean_subject, drawn

every_member = pytest.mark.parametrize("name", RULES.names)
PROJECT = clean_project()


def judged(name: str, subject: Subject) -> list[Issue]:
    """What a rule says about an annotation in an otherwise faultless project."""
    rule = RULES.create(name)
    measured = measurements(name) | {"new/image": rule.measure(subject)}
    looked_at = {key: each for key, each in measured.items() if each}
    usual = rule.learn(looked_at) if looked_at else {}
    return rule.judge("new/image", measured["new/image"], usual) if measured["new/image"] else []


def measurements(name: str) -> dict[str, Json]:
    rule = RULES.create(name)
    return {key: rule.measure(subject) for key, subject in PROJECT.items()}


@every_member
def test_faultless_annotations_are_seldom_warned_about(name: str) -> None:
    rule = RULES.create(name)
    looked_at = {key: each for key, each in measurements(name).items() if each}
    usual = rule.learn(looked_at) if looked_at else {}
    issues = [issue for key, each in looked_at.items() for issue in rule.judge(key, each, usual)]
    assert sum(issue.severity >= WARN_AT for issue in issues) <= 1


@every_member
def test_what_is_measured_can_be_stored_and_read_again(name: str) -> None:
    rule = RULES.create(name)
    measured = measurements(name)
    stored = json.loads(json.dumps(measured, allow_nan=False))
    looked_at = {key: each for key, each in stored.items() if each}
    usual = json.loads(json.dumps(rule.learn(looked_at), allow_nan=False)) if looked_at else {}
    for key, each in looked_at.items():
        assert rule.judge(key, each, usual) == rule.judge(key, measured[key], usual)
        assert len(json.dumps(each)) < 8192


@every_member
@pytest.mark.parametrize("n_objects", [0, 1, 40])
def test_issues_are_bounded_and_speak_of_objects_that_are_there(name: str, n_objects: int) -> None:
    rng = np.random.default_rng(n_objects)
    subject = clean_subject(99)
    height, width = subject.size_hw
    objects = tuple(
        drawn(rng.random((height, width)) < rng.uniform(0.001, 0.9), "cell", number)
        for number in range(n_objects)
    )
    for issue in judged(name, replace(subject, objects=objects)):
        assert issue.rule == name
        assert 0 <= issue.severity <= 1
        assert issue.message.endswith(".")
        assert 20 <= len(issue.message) <= 200
        assert set(issue.region_ids) <= {each.id for each in objects}
        if issue.box is not None:
            top, left, bottom, right = issue.box
            assert 0 <= top < bottom <= height
            assert 0 <= left < right <= width


@every_member
def test_new_annotations_can_be_judged_by_what_was_learned_before(name: str) -> None:
    rule = RULES.create(name)
    new, first = rule.measure(clean_subject(99)), rule.measure(clean_subject(0))
    if new and first:
        issues = rule.judge("new", new, rule.learn({"first": first}))
        assert all(issue.rule == name for issue in issues)


@every_member
@pytest.mark.parametrize("size_hw", [(1, 1), (1, 7), (3, 2)])
def test_tiny_pictures_can_be_inspected(name: str, size_hw: tuple[int, int]) -> None:
    image = np.zeros((*size_hw, 3), dtype=np.uint8)
    whole = drawn(np.ones(size_hw, dtype=bool))
    for objects in ((), (whole,), (whole, replace(whole, id="region-1"))):
        judged(name, Subject(image, objects, ("cell",)))


@every_member
def test_subjects_are_not_changed_and_the_same_one_gives_the_same(name: str) -> None:
    subject, copy = clean_subject(3), deepcopy(clean_subject(3))
    rule = RULES.create(name)
    assert rule.measure(subject) == rule.measure(subject)
    assert np.array_equal(subject.image, copy.image)
    for one, other in zip(subject.objects, copy.objects, strict=True):
        assert np.array_equal(one.region.mask, other.region.mask)


@every_member
def test_objects_that_stick_out_of_the_picture_are_no_problem(name: str) -> None:
    subject = clean_subject(5)
    outside = Region(np.ones((10, 10), dtype=bool), subject.size_hw[0] - 10, subject.size_hw[1] - 10, "cell")
    judged(name, replace(subject, objects=(*subject.objects, replace(subject.objects[0], region=outside))))


@every_member
def test_the_direction_of_the_severity_is_stated(name: str) -> None:
    assert len(RULES.get(name).higher_is_worse_because) > 10
