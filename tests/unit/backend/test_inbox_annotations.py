"""Webhooks in, what is annotated now out."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete

from backend.errors import NothingAnnotatedError
from backend.labelstudio.payloads import parse_webhook
from backend.services.inbox_annotations import InboxAnnotations
from backend.state.database import events, open_database
from backend.state.event_inbox import EventInbox
from tests.fixtures.recorded import recorded_request

PROJECT = 2
Told = dict[int, tuple[str, dict[int, str]]]
"""By task: a word of its data, and a word of each annotation by its number."""


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return open_database(f"sqlite:///{tmp_path / 'db.sqlite3'}")


def receive(engine: Engine, *bodies: dict[str, Any]) -> None:
    inbox = EventInbox(engine)
    for body in bodies:
        event = parse_webhook(body)
        inbox.add(
            action=event.action,
            project_id=event.project_id,
            task_ids=event.task_ids,
            annotation_ids=event.annotation_ids,
            skipped=event.skipped,
            body=event.body,
        )


def told(engine: Engine, project: int = PROJECT) -> Told:
    found = InboxAnnotations(EventInbox(engine)).tasks(project)
    return {
        task.id: (task.data["image"], {each.id: each.result[0]["word"] for each in task.annotations})
        for task in found
    }


def event(action: str, **fields: Any) -> dict[str, Any]:
    return {"action": action, "project": {"id": PROJECT, "label_config": "<View/>"}, **fields}


def annotation(number: int, task: int, word: str) -> dict[str, Any]:
    return {"id": number, "task": task, "completed_by": 1, "result": [{"word": word}]}


def a_task(number: int, word: str = "a.png") -> dict[str, Any]:
    return {"id": number, "data": {"image": word}, "meta": {}}


def submitted(number: int, task: int, word: str, *, action: str = "ANNOTATION_CREATED") -> dict[str, Any]:
    return event(action, annotation=annotation(number, task, word), task=a_task(task, word))


def test_the_last_change_of_an_annotation_and_of_its_task_counts(engine: Engine) -> None:
    receive(
        engine,
        submitted(1, 7, "first"),
        submitted(2, 7, "other"),
        submitted(1, 7, "second", action="ANNOTATION_UPDATED"),
    )
    assert told(engine) == {7: ("second", {1: "second", 2: "other"})}


def test_predictions_that_became_annotations_count_each_with_its_task(engine: Engine) -> None:
    lists = event(
        "ANNOTATIONS_CREATED",
        annotation=[annotation(3, 8, "x"), annotation(4, 7, "y"), annotation(5, 7, "z")],
        task=[a_task(7, "seven"), a_task(8, "eight")],
    )
    receive(engine, submitted(1, 7, "alone"), lists, submitted(5, 7, "late", action="ANNOTATION_UPDATED"))
    assert told(engine) == {7: ("late", {1: "alone", 4: "y", 5: "late"}), 8: ("eight", {3: "x"})}


def test_what_was_deleted_stays_deleted_when_its_last_change_arrives_late(engine: Engine) -> None:
    receive(
        engine,
        submitted(1, 7, "gone"),
        event("ANNOTATIONS_DELETED", annotations=[{"id": 1}]),
        submitted(1, 7, "late", action="ANNOTATION_UPDATED"),
        submitted(2, 8, "with its task"),
        event("TASKS_DELETED", tasks=[{"id": 8}]),
        submitted(3, 9, "kept"),
    )
    assert told(engine) == {9: ("kept", {3: "kept"})}


def test_other_projects_have_annotations_of_their_own(engine: Engine) -> None:
    receive(engine, submitted(1, 7, "mine"))
    assert told(engine, project=3) == {}
    with pytest.raises(NothingAnnotatedError, match="project 3"):
        InboxAnnotations(EventInbox(engine)).label_config(3)


def test_the_labelling_config_is_that_of_the_newest_event(engine: Engine) -> None:
    changed = event("PROJECT_UPDATED", project={"id": PROJECT, "label_config": "<View>new</View>"})
    receive(engine, submitted(1, 7, "a"), changed)
    assert InboxAnnotations(EventInbox(engine)).label_config(PROJECT) == "<View>new</View>"


def test_an_annotation_without_its_task_is_left_out(engine: Engine) -> None:
    receive(engine, event("ANNOTATION_CREATED", annotation=annotation(1, 7, "a"), task=a_task(8)))
    receive(engine, event("ANNOTATION_CREATED", annotation=annotation(2, 9, "b"), task=None))
    assert told(engine) == {}


def test_the_newest_event_of_a_project_is_known(engine: Engine) -> None:
    inbox = EventInbox(engine)
    assert inbox.newest(PROJECT) == 0
    receive(engine, submitted(1, 7, "a"), submitted(2, 8, "b"))
    assert (inbox.newest(PROJECT), inbox.newest(3)) == (2, 0)


def test_recorded_webhooks_tell_the_same_as_label_studio_would(engine: Engine) -> None:
    names = ("annotation_create", "annotation_update", "annotation_skip", "predictions_to_annotations")
    receive(engine, *(recorded_request(f"{name}-0").json for name in names))
    tasks = {task.id: task for task in InboxAnnotations(EventInbox(engine)).tasks(PROJECT)}
    assert {number: [each.id for each in task.annotations] for number, task in tasks.items()} == {
        4: [1],
        5: [2],
        7: [3],
        8: [4],
    }
    (updated,), (skip,) = tasks[4].annotations, tasks[5].annotations
    assert (len(updated.result), updated.annotator, updated.cancelled) == (2, 1, False)
    assert skip.cancelled and not skip.result
    assert tasks[4].data["image"] == "/data/local-files/?d=imgs/img0.png"
    assert tasks[4].meta == {"k": 0}
    receive(engine, recorded_request("annotation_delete-0").json)
    assert 4 not in {task.id for task in InboxAnnotations(EventInbox(engine)).tasks(PROJECT)}


class World:
    """A Label Studio of a few lines, which says what it sends."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.tasks: dict[int, str] = {number: "new" for number in range(1, 6)}
        self.annotations: dict[int, tuple[int, str]] = {}
        self.sent: list[dict[str, Any]] = []
        self._number = 0

    def step(self, kind: str) -> None:
        word = f"w{len(self.sent)}"
        if kind == "create" and self.tasks:
            self._new(self.random.choice(sorted(self.tasks)), word)
        elif kind == "create many" and self.tasks:
            chosen = self.random.sample(sorted(self.tasks), k=min(3, len(self.tasks)))
            before = len(self.sent)
            for task in chosen:
                self._new(task, word)
            made, self.sent = self.sent[before:], self.sent[:before]
            self.sent.append(
                event(
                    "ANNOTATIONS_CREATED",
                    annotation=[each["annotation"] for each in made],
                    task=[each["task"] for each in made],
                )
            )
        elif kind == "update" and self.annotations:
            number = self.random.choice(sorted(self.annotations))
            task, _ = self.annotations[number]
            self.annotations[number], self.tasks[task] = (task, word), word
            self.sent.append(submitted(number, task, word, action="ANNOTATION_UPDATED"))
        elif kind == "delete" and self.annotations:
            number = self.random.choice(sorted(self.annotations))
            del self.annotations[number]
            self.sent.append(event("ANNOTATIONS_DELETED", annotations=[{"id": number}]))
        elif kind == "delete task" and self.tasks:
            task = self.random.choice(sorted(self.tasks))
            del self.tasks[task]
            self.annotations = {n: each for n, each in self.annotations.items() if each[0] != task}
            self.sent.append(event("TASKS_DELETED", tasks=[{"id": task}]))

    def _new(self, task: int, word: str) -> None:
        self._number += 1
        self.annotations[self._number], self.tasks[task] = (task, word), word
        self.sent.append(submitted(self._number, task, word))

    def current(self) -> dict[int, dict[int, str]]:
        found: dict[int, dict[int, str]] = {}
        for number, (task, word) in self.annotations.items():
            found.setdefault(task, {})[number] = word
        return found


KINDS = st.lists(
    st.sampled_from(["create", "create", "create many", "update", "update", "delete", "delete task"]),
    max_size=25,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(KINDS, st.integers(0, 10**6), st.booleans())
def test_replaying_what_was_sent_ends_where_label_studio_is(
    engine: Engine, kinds: list[str], seed: int, deletions_first: bool
) -> None:
    world = World(seed)
    for kind in kinds:
        world.step(kind)
    deletions = [each for each in world.sent if "DELETED" in each["action"]]
    others = [each for each in world.sent if "DELETED" not in each["action"]]
    with engine.begin() as connection:
        connection.execute(delete(events))
    receive(engine, *(deletions + others if deletions_first else world.sent))
    assert {task: words for task, (_, words) in told(engine).items()} == world.current()
