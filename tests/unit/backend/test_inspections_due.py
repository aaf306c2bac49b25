"""Which tasks have to be inspected, as events say."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine

from backend.state.database import open_database
from backend.state.event_inbox import EventInbox
from backend.state.inspections import Inspections, Look, Measured, PictureKey
from backend.state.inspections_due import ChangedTasks, InspectionsDue

PROJECT = 3


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return open_database(f"sqlite:///{tmp_path / 'db.sqlite3'}")


@pytest.fixture
def due(engine: Engine) -> InspectionsDue:
    return InspectionsDue(engine)


def receive(engine: Engine, changes: ChangedTasks, project: int = PROJECT) -> int:
    return EventInbox(engine).add(
        action="ANNOTATION_CREATED",
        project_id=project,
        task_ids=(),
        annotation_ids=(),
        skipped=False,
        body={},
        inspect=changes,
    )


def all_due(due: InspectionsDue, project: int = PROJECT) -> list[int]:
    found = []
    while (task := due.begin(project)) is not None:
        found.append(task.task_id)
        due.end(project, task)
    return found


def test_the_task_that_changed_last_comes_first_and_each_once(engine: Engine, due: InspectionsDue) -> None:
    for task in (5, 7, 6, 5):
        receive(engine, ChangedTasks([task]))
    receive(engine, ChangedTasks([9]), project=4)
    assert due.projects() == [3, 4]
    assert all_due(due) == [5, 6, 7]
    assert due.projects() == [4]


def test_a_task_stays_when_another_event_came_while_it_was_inspected(
    engine: Engine, due: InspectionsDue
) -> None:
    receive(engine, ChangedTasks([5]))
    task = due.begin(PROJECT)
    assert task is not None
    newest = receive(engine, ChangedTasks([5]))
    due.end(PROJECT, task)
    again = due.begin(PROJECT)
    assert again is not None and (again.event, again.tries) == (newest, 0)


def test_looks_that_never_ended_are_counted(engine: Engine, due: InspectionsDue) -> None:
    receive(engine, ChangedTasks([5]))
    tries = [task.tries for task in (due.begin(PROJECT), due.begin(PROJECT)) if task is not None]
    assert tries == [0, 1]


def test_the_task_of_a_deleted_annotation_is_inspected_again(engine: Engine, due: InspectionsDue) -> None:
    Inspections(engine).keep(PROJECT, [Measured(PictureKey(5, 50, "image"), Look("a"), {})])
    receive(engine, ChangedTasks(deleted_annotations=range(40, 2000)))
    assert all_due(due) == [5]


def test_nothing_is_known_of_deleted_tasks(engine: Engine, due: InspectionsDue) -> None:
    store = Inspections(engine)
    store.keep(PROJECT, [Measured(PictureKey(task, 50 + task, "image"), Look("a"), {}) for task in (5, 6)])
    receive(engine, ChangedTasks([5, 6]))
    receive(engine, ChangedTasks(deleted_tasks=[5]))
    assert all_due(due) == [6]
    assert [key.task_id for key in store.looks(PROJECT)] == [6]


def test_all_of_a_project_can_be_taken_off(engine: Engine, due: InspectionsDue) -> None:
    receive(engine, ChangedTasks([5, 6]))
    due.drop(PROJECT)
    assert due.begin(PROJECT) is None


def test_figures_add_up(due: InspectionsDue) -> None:
    for seconds in (1.5, 0.5):
        due.count_look(seconds)
    due.count_issues({"holes": 2, "size": 1})
    due.count_issues({"holes": 1})
    due.count_issues({})
    found = due.figures()
    assert (found.looks, found.seconds, found.issues) == (2, 2.0, {"holes": 3, "size": 1})
