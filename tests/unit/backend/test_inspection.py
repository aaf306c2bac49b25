"""Annotations are measured once, compared with all others, and judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine

from backend.inspection.base import Belief, InspectionRule, Issue, Json, PlainRule, Subject
from backend.labelstudio.submissions import AnnotatedTask
from backend.services.inspection import Inspection
from backend.services.inspection_subjects import InspectionSubjects
from backend.services.inspection_verdicts import TaskVerdict
from backend.state.database import open_database
from backend.state.inspections import Inspections, PictureKey
from backend.state.inspections_due import InspectionsDue
from models.arrays import Image
from tests.fakes.inspected_tasks import annotation, brush, disc, subjects_of, task

PROJECT = 3


class Odd(InspectionRule):
    """Doubts objects unlike the median in size."""

    name = "odd"
    higher_is_worse_because = "its size is farther from the median"

    def __init__(self) -> None:
        self.measured: list[int] = []
        self.learned = 0

    def measure(self, subject: Subject) -> Json:
        self.measured.append(len(subject.objects))
        return {"areas": [each.region.area for each in subject.objects]} if subject.objects else {}

    def learn(self, measured: Mapping[str, Json]) -> Json:
        self.learned += 1
        return {"median": float(np.median([area for each in measured.values() for area in each["areas"]]))}

    def judge(self, key: str, measured: Json, usual: Json) -> list[Issue]:
        (area,) = measured["areas"]
        severity = 0.9 if area > 2 * usual["median"] else 0.1
        return [Issue(self.name, severity, "It is larger than others.", ("r1",), (1, 2, 3, 4))]


class Plain(PlainRule):
    """Doubts every annotation of annotator 2."""

    name = "plain"
    higher_is_worse_because = "annotator 2 drew it"

    def inspect(self, subject: Subject) -> list[Issue]:
        if subject.work.annotator != 2:
            return []
        return [Issue(self.name, 0.6 + place / 100, "Look at it again.") for place in range(9)]


@dataclass
class Believer:
    """A version that agrees with everything."""

    version: str = "unet-1"
    learned: bool = False
    asked: list[str] = field(default_factory=list)

    def of(self, key: str, image: Image) -> Belief:
        self.asked.append(key)
        return Belief((), np.ones((1, 2, 2), dtype=np.float32), (), 0.5, self.learned)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return open_database(f"sqlite:///{tmp_path / 'db.sqlite3'}")


@pytest.fixture
def subjects(tmp_path: Path) -> InspectionSubjects:
    return subjects_of(tmp_path / "files", PROJECT)


@pytest.fixture
def odd() -> Odd:
    return Odd()


@pytest.fixture
def inspection(engine: Engine, subjects: InspectionSubjects, odd: Odd) -> Inspection:
    return make(engine, subjects, odd)


def make(engine: Engine, subjects: InspectionSubjects, odd: Odd, **more: Any) -> Inspection:
    rules: dict[str, InspectionRule] = {"odd": odd, "plain": Plain()}
    return Inspection(PROJECT, subjects, Inspections(engine), InspectionsDue(engine), rules, **more)


def small(number: int, **more: Any) -> AnnotatedTask:
    return task(annotation(10 * number, brush(disc(12)), 1, **more), number=number)


def large(number: int, annotator: int = 1, **more: Any) -> AnnotatedTask:
    return task(annotation(10 * number, brush(disc(30)), annotator, **more), number=number)


def inspect(inspection: Inspection, *tasks: AnnotatedTask) -> dict[int, TaskVerdict]:
    known = inspection.known()
    looks = [inspection.look(each, known) for each in tasks]
    inspection.keep(looks)
    inspection.forget_but({key for look in looks for key in look.keys})
    return inspection.judge_all()


def test_annotations_are_compared_with_those_of_the_whole_project(inspection: Inspection) -> None:
    found = inspect(inspection, small(1), small(2), small(3), large(4))
    assert {number: bool(each.issues) for number, each in found.items()} == {
        1: False,
        2: False,
        3: False,
        4: True,
    }
    (issue,) = found[4].issues
    assert (issue["annotation"], issue["image"], issue["rule"], issue["box"]) == (
        40,
        "image",
        "odd",
        [1, 2, 3, 4],
    )
    assert found[4].severity == pytest.approx(0.9)


def test_only_what_changed_is_looked_at_again(inspection: Inspection, odd: Odd) -> None:
    inspect(inspection, small(1), small(2))
    odd.measured.clear()
    inspect(inspection, small(1), large(2), small(3))
    assert len(odd.measured) == 2
    inspect(inspection, small(1), large(2), small(3))
    assert len(odd.measured) == 2


def test_what_is_gone_counts_no_more(inspection: Inspection) -> None:
    inspect(inspection, small(1), small(2), large(3))
    assert set(inspect(inspection, small(1))) == {1}
    assert {key.task_id for key in inspection.known()} == {1}


def test_people_are_told_the_worst_of_a_rule_first_and_not_everything(inspection: Inspection) -> None:
    issues = inspect(inspection, large(1, annotator=2))[1].issues
    assert [round(each["severity"], 2) for each in issues] == [0.68, 0.67, 0.66, 0.65, 0.64]


def test_rules_that_were_not_asked_say_nothing_but_measure(
    engine: Engine, subjects: InspectionSubjects, odd: Odd
) -> None:
    inspection = make(engine, subjects, odd, judging=["plain"])
    found = inspect(inspection, small(1), small(2), small(3), large(4, annotator=2))
    assert {each["rule"] for each in found[4].issues} == {"plain"}
    assert len(odd.measured) == 4


def test_what_a_person_accepted_is_not_raised_again_until_it_changes(inspection: Inspection) -> None:
    tasks = small(1), small(2), small(3)
    assert inspect(inspection, *tasks, large(4, annotator=2))[4].issues
    assert inspection.dismiss(4, "odd") == 1
    assert {each["rule"] for each in inspect(inspection, *tasks, large(4, annotator=2))[4].issues} == {
        "plain"
    }
    inspection.dismiss(4)
    assert not inspect(inspection, *tasks, large(4, annotator=2, lead_time=5))[4].issues
    changed = task(annotation(40, brush(disc(29)), 2), number=4)
    assert {each["rule"] for each in inspect(inspection, *tasks, changed)[4].issues} == {"odd", "plain"}


def test_a_ground_truth_is_beyond_doubt(inspection: Inspection) -> None:
    tasks = small(1), small(2), small(3)
    assert not inspect(inspection, *tasks, large(4, ground_truth=True))[4].issues
    assert inspect(inspection, *tasks, large(4))[4].issues


def test_a_task_alone_is_judged_by_what_was_learned_last(inspection: Inspection, odd: Odd) -> None:
    inspect(inspection, *map(small, range(1, 121)))
    assert odd.learned == 1
    inspection.keep([inspection.look(large(4), inspection.known(4))])
    assert inspection.judge_task(4).issues
    assert inspection.judge_again() == {}
    assert odd.learned == 1


def test_what_was_learned_outlives_the_process(
    engine: Engine, subjects: InspectionSubjects, odd: Odd
) -> None:
    inspect(make(engine, subjects, odd), small(1), small(2), small(3))
    later = make(engine, subjects, odd)
    later.keep([later.look(large(4), {})])
    assert later.judge_task(4).issues
    assert odd.learned == 1


def test_the_very_first_annotation_can_be_judged(inspection: Inspection) -> None:
    inspection.keep([inspection.look(large(4, annotator=2), {})])
    assert {each["rule"] for each in inspection.judge_task(4).issues} == {"plain"}


def test_when_much_has_changed_other_tasks_are_judged_anew(inspection: Inspection, odd: Odd) -> None:
    inspect(inspection, small(1), small(2), small(3), large(4))
    for number in (1, 2, 3):
        inspection.keep([inspection.look(large(number), inspection.known(number))])
        assert inspection.judge_task(number).issues
    found = inspection.judge_again()
    assert odd.learned == 2
    assert set(found) == {1, 2, 3, 4}
    assert not any(each.issues for each in found.values())


def test_the_network_is_asked_once_for_each_version(
    engine: Engine, subjects: InspectionSubjects, odd: Odd
) -> None:
    for believer, n_asked in (
        (Believer(), 1),
        (Believer(), 0),
        (Believer("unet-2"), 1),
        (Believer("unet-2"), 0),
    ):
        inspect(make(engine, subjects, odd, beliefs=believer), small(1))
        assert believer.asked == ["1/image"] * n_asked
    inspect(make(engine, subjects, odd), small(1))
    assert len(odd.measured) == 2


def test_who_had_not_learned_from_an_annotation_is_not_replaced_by_who_has(
    engine: Engine, subjects: InspectionSubjects, odd: Odd
) -> None:
    key = PictureKey(1, 10, "image")
    for believer, learned in (
        (Believer("unet-1", learned=False), False),
        (Believer("unet-2", learned=True), False),
        (Believer("unet-3", learned=False), False),
    ):
        inspection = make(engine, subjects, odd, beliefs=believer)
        inspect(inspection, small(1))
        look = inspection.known()[key]
        assert (look.version, look.learned) == (believer.version, learned)


def test_a_picture_that_cannot_be_read_stops_nothing(inspection: Inspection) -> None:
    missing = task(annotation(20, brush()), number=2, image="/data/local-files/?d=imgs/none.png")
    look = inspection.look(missing, {})
    assert list(look.problems) == [PictureKey(2, 20, "image")]
    assert look.measured == ()
    assert set(inspect(inspection, small(1), missing)) == {1}


def test_what_people_are_told_is_counted_once(inspection: Inspection, engine: Engine) -> None:
    for _ in range(2):
        inspect(inspection, small(1), small(2), small(3), large(4, annotator=2))
    assert InspectionsDue(engine).figures().issues == {"odd": 1, "plain": 1}
