"""Changed annotations are inspected, the latest first, and their tasks say what was found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from backend.errors import LabelStudioError
from backend.inspection.holes import Holes
from backend.labelstudio.submissions import AnnotatedTask
from backend.labelstudio.task_predictions import annotations_of
from backend.labelstudio.task_reports import FIELD, KEY, task_of_number
from backend.services.due_inspections import DueInspections
from backend.services.inspection import Inspection
from backend.services.task_warnings import TaskWarnings
from backend.state.database import open_database
from backend.state.event_inbox import EventInbox
from backend.state.inspections import ALL_RULES, Inspections
from backend.state.inspections_due import ChangedTasks, InspectionsDue
from tests.fakes.bulk_label_studio import BulkLabelStudio
from tests.fakes.inspected_tasks import ADDRESS, XML, annotation, brush, spotted, subjects_of

PROJECT = 1


class Room:
    """A project of three tasks, and what inspects it."""

    def __init__(self, folder: Path) -> None:
        numbers = (1, 2, 3)
        self.studio = BulkLabelStudio(
            XML,
            {number: {"image": ADDRESS, FIELD: ""} for number in numbers},
            annotations={number: [annotation(10 * number, brush())] for number in numbers},
        )
        self.engine: Engine = open_database(f"sqlite:///{folder / 'db.sqlite3'}")
        self.waiting = InspectionsDue(self.engine)
        self.read_tasks: list[int] = []
        self.failure: LabelStudioError | None = None
        rules = {"holes": Holes()}
        inspection = Inspection(
            PROJECT, subjects_of(folder / "files", PROJECT), Inspections(self.engine), self.waiting, rules
        )
        warnings = TaskWarnings(self.studio.api, PROJECT, with_text=True, version="")
        self.due = DueInspections(PROJECT, self.waiting, inspection, warnings, self._read)

    def _read(self, number: int) -> AnnotatedTask | None:
        self.read_tasks.append(number)
        if self.failure is not None:
            raise self.failure
        task = task_of_number(self.studio.api, PROJECT, number)
        annotations = annotations_of(self.studio.api, number)
        return None if task is None else AnnotatedTask(number, task.data, task.meta, annotations)

    def submit(self, number: int, result: list[dict[str, Any]], **more: Any) -> None:
        self.studio.annotations[number] = [annotation(10 * number, result, **more)]
        self.tell(ChangedTasks([number]))

    def tell(self, changes: ChangedTasks) -> None:
        EventInbox(self.engine).add(
            action="ANNOTATION_UPDATED",
            project_id=PROJECT,
            task_ids=(),
            annotation_ids=(),
            skipped=False,
            body={},
            inspect=changes,
        )

    def warned(self) -> list[int]:
        return [number for number in self.studio.tasks if KEY in self.studio.meta.get(number, {})]


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


def test_a_doubtful_submission_is_warned_about_until_it_is_corrected(room: Room) -> None:
    room.submit(1, brush())
    room.submit(2, brush(spotted()))
    assert room.due.run() == 2
    assert room.read_tasks == [2, 1]
    assert room.warned() == [2]
    assert room.studio.tasks[2][FIELD].startswith("0.")
    assert room.waiting.figures().looks == 2
    room.submit(2, brush())
    assert room.due.run() == 1
    assert room.warned() == []
    assert room.studio.tasks[2][FIELD] == ""
    assert room.due.run() == 0


@pytest.mark.parametrize("change", [{"was_cancelled": True}, {"ground_truth": True}])
def test_a_skip_and_a_star_take_the_warning_away(room: Room, change: dict[str, Any]) -> None:
    room.submit(2, brush(spotted()))
    room.due.run()
    room.submit(2, brush(spotted()), **change)
    room.due.run()
    assert room.warned() == []


def test_a_deleted_annotation_takes_its_warning_along(room: Room) -> None:
    room.submit(2, brush(spotted()))
    room.due.run()
    room.studio.annotations[2] = []
    room.tell(ChangedTasks(deleted_annotations=[20]))
    room.due.run()
    assert room.warned() == []


def test_an_accepted_task_loses_its_warning_at_once(room: Room) -> None:
    room.submit(2, brush(spotted()))
    room.due.run()
    assert room.due.accept(2, ALL_RULES) == 1
    assert room.warned() == []
    room.submit(2, brush(spotted()))
    room.due.run()
    assert room.warned() == []


def test_writing_a_warning_makes_nothing_due(room: Room) -> None:
    room.submit(2, brush(spotted()))
    room.due.run()
    assert room.waiting.begin(PROJECT) is None


@pytest.mark.parametrize("status", [None, 401, 500])
def test_tasks_wait_while_label_studio_cannot_answer(room: Room, status: int | None) -> None:
    room.submit(2, brush(spotted()))
    room.failure = LabelStudioError("It is away.", status)
    for _ in range(5):
        with pytest.raises(LabelStudioError):
            room.due.run()
    room.failure = None
    room.due.run()
    assert room.warned() == [2]


def test_a_refusal_of_one_task_holds_up_no_other(room: Room) -> None:
    room.submit(1, brush(spotted()))
    room.failure = LabelStudioError("This one is odd.", 400)
    assert room.due.run() == 1
    assert room.waiting.begin(PROJECT) is None


def test_a_task_that_ended_the_process_thrice_is_left_alone(room: Room) -> None:
    room.submit(2, brush(spotted()))
    for _ in range(3):
        room.waiting.begin(PROJECT)
    assert room.due.run() == 0
    assert room.read_tasks == []


def test_a_deleted_task_needs_no_warning(room: Room) -> None:
    room.submit(2, brush(spotted()))
    del room.studio.tasks[2]
    assert room.due.run() == 1
    assert room.studio.writes == []
