"""Orders of tasks: written down, finished, put back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine

from backend.errors import DatabaseError
from backend.state.database import open_database
from backend.state.queue_rounds import QueueRound, QueueRounds
from backend.state.version_info import answering_version, queue_round, queue_version

PROJECT = 3
ROUND = QueueRound(
    PROJECT,
    4,
    "watershed-1",
    "auto",
    64,
    "digest",
    np.array([9, 7, 8], dtype=np.int64),
    np.array([0.5, 0.25, 0.125]),
    {"sampling": "Sequential sampling"},
)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return open_database(f"sqlite:///{tmp_path / 'db.sqlite3'}")


def test_a_round_is_found_as_it_was_written_down(engine: Engine) -> None:
    QueueRounds(engine).begin(ROUND)
    found = QueueRounds(engine).newest(PROJECT)
    assert found is not None
    assert found.task_ids.tolist() == [9, 7, 8]
    assert found.utilities.tolist() == [0.5, 0.25, 0.125]
    for name in ("number", "version", "selector", "budget", "situation", "former", "finished", "at"):
        assert getattr(found, name) == getattr(ROUND, name)
    assert QueueRounds(engine).newest(PROJECT + 1) is None


def test_only_a_finished_round_is_followed(engine: Engine) -> None:
    rounds = QueueRounds(engine)
    rounds.begin(ROUND)
    assert rounds.newest(PROJECT, finished=True) is None
    rounds.finish(PROJECT, 4)
    rounds.begin(replace(ROUND, number=5))
    finished, newest = rounds.newest(PROJECT, finished=True), rounds.newest(PROJECT)
    assert finished is not None and newest is not None
    assert (finished.number, newest.number) == (4, 5)
    rounds.finish(PROJECT, 5)
    finished = rounds.newest(PROJECT, finished=True)
    assert finished is not None and finished.number == 5


def test_a_queue_that_was_ended_has_nothing_to_put_back_but_keeps_its_number(engine: Engine) -> None:
    rounds = QueueRounds(engine)
    rounds.begin(ROUND)
    rounds.finish(PROJECT, 4)
    rounds.end(PROJECT)
    ended = rounds.newest(PROJECT)
    assert ended is not None
    assert (ended.number, ended.former, ended.finished) == (4, None, False)


def test_the_first_task_has_the_lowest_score() -> None:
    assert ROUND.scores.tolist() == [0, 1 / 3, 2 / 3]


def test_names_of_queue_versions_tell_version_and_round() -> None:
    name = queue_version("unet-p3-1-0a0b0c0d", 12)
    assert (answering_version(name), queue_round(name)) == ("unet-p3-1-0a0b0c0d", 12)
    for other in ("unet-p3-1-0a0b0c0d", "watershed-1", "my.quick-model", ""):
        assert (answering_version(other), queue_round(other)) == (other, None)


def test_a_broken_database_is_said(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE queue_rounds")
    with pytest.raises(DatabaseError, match="storing the queue"):
        QueueRounds(engine).begin(ROUND)
    with pytest.raises(DatabaseError, match="reading the queue"):
        QueueRounds(engine).newest(PROJECT)
