"""Webhooks in, annotated frames of a sequence out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from backend.errors import DatabaseError
from backend.labelstudio.payloads import parse_webhook
from backend.observability import Metrics
from backend.services.events import Events
from backend.services.sequences import SequenceFields
from backend.state.database import open_database
from backend.state.event_inbox import EventInbox
from backend.state.frames import Frames
from tests.fixtures.recorded import recorded_request

PROJECT = 2
CREATED, UPDATED = "ANNOTATION_CREATED", "ANNOTATION_UPDATED"


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return open_database(f"sqlite:///{tmp_path / 'db.sqlite3'}")


def receive(engine: Engine, *bodies: dict[str, Any]) -> None:
    events = Events(EventInbox(engine), Metrics(), SequenceFields(("sequence",), ("frame",)))
    for body in bodies:
        events.store(parse_webhook(body))


def event(action: str, **fields: Any) -> dict[str, Any]:
    return {"action": action, "project": {"id": PROJECT}, **fields}


def frame(number: int, place: Any, group: Any = "a") -> dict[str, Any]:
    return {"id": number, "data": {"image": "x.png", "sequence": group, "frame": place}, "meta": {}}


def submitted(annotation: int, task: dict[str, Any], action: str = CREATED) -> dict[str, Any]:
    return event(action, annotation={"id": annotation, "task": task["id"], "result": []}, task=task)


def near(
    engine: Engine, place: float, *, group: str = "a", project: int = PROJECT, but_task: int | None = None
) -> list[tuple[int, float, dict[int, int]]]:
    found = Frames(engine).near(project, group, place, 5, but_task=but_task)
    return [(each.task_id, each.frame, each.told_by) for each in found]


def test_the_nearest_frame_comes_first_and_of_equally_near_ones_the_earlier(engine: Engine) -> None:
    receive(engine, *(submitted(place, frame(100 + place, place)) for place in (3, 8, 10, 12, 14, 16)))
    assert [place for _, place, _ in near(engine, 11)] == [10, 12, 8, 14, 16]
    assert [place for _, place, _ in near(engine, 10, but_task=110)] == [8, 12, 14]


def test_frames_of_other_sequences_and_projects_are_no_neighbours(engine: Engine) -> None:
    receive(engine, submitted(1, frame(4, 1)), submitted(2, frame(5, 1, "b")))
    assert near(engine, 2, group="b") == [(5, 1, {2: 2})]
    assert near(engine, 2, project=3) == near(engine, 2, group="c") == []


def test_the_last_change_of_an_annotation_counts_and_each_annotator_has_one(engine: Engine) -> None:
    receive(
        engine,
        submitted(1, frame(4, 1)),
        submitted(2, frame(4, 1)),
        submitted(1, frame(4, 2), UPDATED),
    )
    assert near(engine, 3) == [(4, 2, {1: 3, 2: 2})]


def test_a_frame_without_annotations_is_no_neighbour_even_if_a_change_arrives_late(engine: Engine) -> None:
    receive(engine, submitted(1, frame(4, 1)), submitted(2, frame(4, 1)), submitted(3, frame(5, 2)))
    receive(engine, event("ANNOTATIONS_DELETED", annotations=[{"id": 1}]))
    receive(engine, submitted(1, frame(4, 1), UPDATED), event("TASKS_DELETED", tasks=[{"id": 5}]))
    assert near(engine, 1) == [(4, 1, {2: 2})]


def test_many_deletions_at_once_are_all_heeded(engine: Engine) -> None:
    tasks = [frame(number, number / 1000) for number in range(1200)]
    annotations = [{"id": 7000 + task["id"], "task": task["id"], "result": []} for task in tasks]
    receive(engine, event("ANNOTATIONS_CREATED", annotation=annotations, task=tasks))
    assert len(near(engine, 0)) == 50
    receive(engine, event("ANNOTATIONS_DELETED", annotations=[{"id": each["id"]} for each in annotations]))
    assert near(engine, 0) == []


@pytest.mark.parametrize("group", ["a" * 100_000, "nul \x00", "\ud800", "", 7, ["a"]])
def test_names_of_any_kind_cost_no_event(engine: Engine, group: Any) -> None:
    receive(engine, submitted(1, frame(4, 1, group)))
    assert EventInbox(engine).newest(PROJECT) == 1
    assert bool(near(engine, 2, group=str(group))) == (group not in ("", ["a"]))


def test_recorded_webhooks_of_tasks_outside_sequences_leave_nothing_here(engine: Engine) -> None:
    for name in ("annotation_create", "annotation_update", "predictions_to_annotations", "annotation_delete"):
        receive(engine, recorded_request(f"{name}-0").json)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM frames").scalar_one() == 0


def test_a_database_that_cannot_be_read_is_an_error_of_ours(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE frames")
    with pytest.raises(DatabaseError, match="looking for frames"):
        near(engine, 1)
