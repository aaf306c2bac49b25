"""How long annotations take."""

from dataclasses import replace

import numpy as np
import pytest

from backend.inspection.base import WARN_AT, Subject, Work
from backend.inspection.too_fast import TooFast
from backend.inspection.too_slow import TooSlow
from tests.fakes.inspected import clean_subject, severities

FAST, SLOW = TooFast(), TooSlow()


def made(seconds: float | None, n_objects: int, annotator: int | None = 1) -> Subject:
    subject = clean_subject(1)
    objects = tuple(replace(subject.objects[0], id=f"region-{number}") for number in range(n_objects))
    return replace(subject, objects=objects, work=Work(annotator, seconds))


def project(pace: dict[int, float]) -> dict[str, Subject]:
    """People who need so many seconds for each object, 20 annotations of 1 to 20 objects each."""
    rng = np.random.default_rng(0)
    return {
        f"{person}-{n_objects}": made(
            each * (1 + n_objects) * float(rng.lognormal(0, 0.2)), n_objects, person
        )
        for person, each in pace.items()
        for n_objects in range(1, 21)
    }


@pytest.mark.parametrize(("rule", "seconds"), [(FAST, 4), (SLOW, 2000)])
def test_unusual_seconds_for_as_many_objects_are_doubted(rule: TooFast | TooSlow, seconds: float) -> None:
    team = project({1: 8, 2: 8})
    assert severities(rule, made(seconds, 10), team)[""] >= WARN_AT
    assert severities(rule, made(88, 10), team).get("", 0) < 0.1


def test_few_seconds_are_usual_for_few_objects() -> None:
    team = project({1: 8, 2: 8})
    assert severities(FAST, made(16, 1), team).get("", 0) < 0.1
    assert severities(FAST, made(16, 20), team)[""] >= WARN_AT


def test_each_person_has_an_own_pace() -> None:
    team = project({1: 2, 2: 20})
    assert severities(FAST, made(2 * 11, 10, 1), team).get("", 0) < 0.1
    assert severities(FAST, made(2 * 11, 10, 2), team)[""] >= WARN_AT


def test_nothing_is_said_without_a_length_or_with_few_annotations() -> None:
    assert severities(FAST, made(None, 3), project({1: 8})) == {}
    assert severities(FAST, made(0, 3), project({1: 8})) == {}
    assert severities(FAST, made(1, 3), {}) == {}


def test_unknown_people_and_equal_amounts_are_no_problem() -> None:
    same = {str(number): made(30 + number % 3, 2, None) for number in range(30)}
    assert severities(SLOW, made(3000, 2, None), same)[""] >= WARN_AT
