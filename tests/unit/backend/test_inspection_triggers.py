"""Which events wake the worker for an inspection, and of which tasks."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from backend.labelstudio.payloads import WebhookEvent, parse_webhook
from backend.services.inspection_triggers import InspectionTriggers, changed_tasks
from backend.state.inspections_due import ChangedTasks
from backend.state.job_queue import JobQueue
from tests.fakes.deliveries import deliver
from tests.fakes.job_handlers import Woken


def event(action: str, **fields: Any) -> WebhookEvent:
    return parse_webhook({"action": action, "project": {"id": 7}, **fields})


def woken_by(folder: Path, *events: WebhookEvent) -> list[str]:
    woken = Woken(folder / "jobs.db")
    triggers = InspectionTriggers(woken.queue)
    for each in events:
        triggers.notice(each)
    wait()
    deliver(woken.queue)
    return woken.seen


def wait() -> None:
    for thread in threading.enumerate():
        if thread.name == "inspection-triggers":
            thread.join(60)


@pytest.mark.parametrize(
    "action", ["ANNOTATION_CREATED", "ANNOTATION_UPDATED", "ANNOTATIONS_CREATED", "ANNOTATIONS_DELETED"]
)
def test_a_changed_annotation_wakes_the_worker_at_once(tmp_path: Path, action: str) -> None:
    assert woken_by(tmp_path, event(action, annotation={"id": 1, "task": 5})) == ["inspect 7"]


@pytest.mark.parametrize("action", ["TASKS_CREATED", "TASKS_DELETED", "PROJECT_UPDATED", "START_TRAINING"])
def test_other_events_do_not(tmp_path: Path, action: str) -> None:
    assert woken_by(tmp_path, event(action)) == []


def test_an_event_without_a_project_does_not(tmp_path: Path) -> None:
    assert woken_by(tmp_path, parse_webhook({"action": "ANNOTATION_CREATED"})) == []


def test_a_queue_that_is_away_hinders_nobody() -> None:
    queue = JobQueue("redis://127.0.0.1:9/0", Path("unused"))
    InspectionTriggers(queue).notice(event("ANNOTATION_CREATED", annotation={"id": 1, "task": 5}))
    wait()


def test_who_opens_a_project_wakes_the_worker_once_in_a_while(tmp_path: Path) -> None:
    woken = Woken(tmp_path / "jobs.db")
    triggers = InspectionTriggers(woken.queue)
    for project in (7, 7, 8, 7):
        triggers.warm_up(project)
    wait()
    deliver(woken.queue)
    assert sorted(woken.seen) == ["inspect 7", "inspect 8"]


@pytest.mark.parametrize(
    ("told", "changes"),
    [
        (event("ANNOTATION_CREATED", task={"id": 5}, annotation={"id": 1, "task": 5}), ChangedTasks((5,))),
        (
            event("ANNOTATION_CREATED", annotation={"id": 1, "task": 5, "was_cancelled": True}),
            ChangedTasks((5,)),
        ),
        (
            event("ANNOTATIONS_CREATED", task=[{"id": 5}, {"id": 6}], annotation=[{"id": 1, "task": 5}]),
            ChangedTasks((5, 6)),
        ),
        (
            event("ANNOTATIONS_DELETED", annotations=[{"id": 1}, {"id": 2}]),
            ChangedTasks(deleted_annotations=(1, 2)),
        ),
        (event("TASKS_DELETED", tasks=[{"id": 5}]), ChangedTasks(deleted_tasks=(5,))),
        (event("TASKS_CREATED", tasks=[{"id": 5}]), ChangedTasks()),
    ],
)
def test_events_say_which_tasks_changed(told: WebhookEvent, changes: ChangedTasks) -> None:
    assert changed_tasks(told) == changes
