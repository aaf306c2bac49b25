import sqlite3
import threading
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, func, select

from backend.errors import DatabaseError
from backend.state.click_log import ClickLog, ClickRecord
from backend.state.database import clicks, open_database
from models.prompts import Box, Click, Prompts

NOW = datetime.now(timezone.utc)
RECORD = ClickRecord(
    at=NOW,
    project_id=2,
    task_id=7,
    to_name="image",
    label="Cell",
    prompt_ids=("b", "p"),
    prompts=Prompts((Click(10.25, 3.5, positive=False),), Box(1, 2, 30.5, 40)),
    refined=False,
    area=812,
    overlap=0.75,
    latency_ms=61.5,
    model_version="graphcut-1",
)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return open_database(f"sqlite:///{tmp_path / 'db.sqlite3'}")


def written(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(clicks)).scalar_one()


def test_records_of_a_task_are_read_as_they_were_added_in_order(engine: Engine) -> None:
    log = ClickLog(engine, keep_days=90)
    bare = replace(RECORD, label=None, overlap=None, prompt_ids=(), prompts=Prompts((Click(1, 2),)))
    for record in (RECORD, replace(RECORD, task_id=8), replace(RECORD, project_id=3), bare):
        log.add(record)
    assert log.for_task(2, 7) == [RECORD, bare]
    assert log.for_task(9, 9) == []


def test_prompts_are_counted_once_although_each_click_sends_the_earlier_ones_again(engine: Engine) -> None:
    log = ClickLog(engine, keep_days=90)
    for prompt_ids in (("a",), ("a", "b"), ("c",)):
        log.add(replace(RECORD, prompt_ids=prompt_ids))
    for elsewhere in (
        replace(RECORD, task_id=8),
        replace(RECORD, project_id=3),
        replace(RECORD, task_id=None),
    ):
        log.add(elsewhere)
    assert log.prompts_by_task(2) == {7: 3, 8: 2}


def test_adding_waits_for_no_database(engine: Engine) -> None:
    writing, go_on = threading.Event(), threading.Event()

    def hold(_connection: object) -> None:
        writing.set()
        assert go_on.wait(60), "whoever adds waits for this"

    event.listen(engine, "begin", hold)
    log = ClickLog(engine, keep_days=90)
    log.add(RECORD)
    assert writing.wait(60)
    for _ in range(100):
        log.add(RECORD)
    go_on.set()
    log.close()
    assert written(engine) == 101


def test_what_was_added_is_written_without_asking(engine: Engine) -> None:
    committed = threading.Event()
    event.listen(engine, "commit", lambda _connection: committed.set())
    log = ClickLog(engine, keep_days=90)
    log.add(RECORD)
    assert committed.wait(60)
    log.close()
    assert written(engine) == 1


def test_closing_writes_what_was_added(engine: Engine) -> None:
    log = ClickLog(engine, keep_days=90)
    for _ in range(20):
        log.add(RECORD)
    log.close()
    assert written(engine) == 20


def test_with_no_days_nothing_is_written(engine: Engine) -> None:
    log = ClickLog(engine, keep_days=0)
    log.add(RECORD)
    log.close()
    assert written(engine) == 0


def test_records_that_are_too_old_are_removed(engine: Engine) -> None:
    log = ClickLog(engine, keep_days=30)
    fresh = replace(RECORD, at=NOW - timedelta(days=29))
    for record in (replace(RECORD, at=NOW - timedelta(days=31)), fresh):
        log.add(record)
    assert log.for_task(2, 7) == [fresh]


def test_records_that_the_database_does_not_take_are_kept_for_another_try(
    tmp_path: Path, engine: Engine
) -> None:
    log = ClickLog(engine, keep_days=90)
    connection = sqlite3.connect(tmp_path / "db.sqlite3", timeout=60)
    connection.execute("ALTER TABLE clicks RENAME TO away")
    log.add(RECORD)
    with pytest.raises(DatabaseError, match="writing the click log"):
        log.flush()
    connection.execute("ALTER TABLE away RENAME TO clicks")
    connection.close()
    assert log.for_task(2, 7) == [RECORD]


def test_a_label_that_no_database_can_hold_takes_no_other_record_with_it(engine: Engine) -> None:
    log = ClickLog(engine, keep_days=90)
    log.add(replace(RECORD, label="half \ud800, zero \0", prompt_ids=("\ud800\0",)))
    log.add(RECORD)
    assert [record.label for record in log.for_task(2, 7)] == ["half ?, zero ?", "Cell"]
