"""The orders in which projects ask their tasks, and what Label Studio was set to before there were any.

A round is written down before Label Studio hears of it, and called finished when Label Studio follows it: a
round that was stopped is gone on with, under the name that it has.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine, delete, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from backend.errors import DatabaseError
from backend.state.database import as_utc, queue_rounds
from backend.state.version_info import queue_version

BUDGET = 64
"""Tasks that are chosen together: about what a team annotates until there is another version."""


@dataclass(frozen=True, eq=False)
class QueueRound:
    """An order of a project's tasks.

    Attributes:
        project_id: The project.
        number: Counts the project's rounds, from 1.
        version: Of the pre-labels that the tasks get.
        selector: Which one decided.
        budget: How many tasks were chosen together; the others follow by their utility.
        situation: Digest of everything that the order depends on.
        task_ids: (N,) in order, the first to be asked first.
        utilities: (N,) what each would teach on its own, in the selector's own unit.
        former: Label Studio's settings before the first round; None when they were put back.
        finished: Whether Label Studio follows the order.
        at: When it was made, UTC.
    """

    project_id: int
    number: int
    version: str
    selector: str
    budget: int
    situation: str
    task_ids: NDArray[np.int64]
    utilities: NDArray[np.float64]
    former: dict[str, Any] | None
    finished: bool = False
    at: datetime = field(default_factory=lambda: datetime.now(timezone.utc))

    @property
    def queue_version(self) -> str:
        """Version of the predictions that carry the order."""
        return queue_version(self.version, self.number)

    @property
    def scores(self) -> NDArray[np.float64]:
        """(N,) in [0, 1), the first the lowest: Label Studio asks for low scores first."""
        return np.arange(len(self.task_ids)) / max(len(self.task_ids), 1)


class QueueRounds:
    """Keeps the newest rounds. Safe between threads and processes.

    Args:
        engine: The database.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def newest(self, project_id: int, *, finished: bool = False) -> QueueRound | None:
        """The project's last round; None if there is none.

        Args:
            project_id: The project.
            finished: Whether rounds that Label Studio does not follow are passed over.

        Raises:
            DatabaseError: The database cannot be read.
        """
        query = select(queue_rounds).where(queue_rounds.c.project_id == project_id)
        if finished:
            query = query.where(queue_rounds.c.finished.is_(True))
        query = query.order_by(queue_rounds.c.number.desc()).limit(1)
        with self._translated("reading the queue"), self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            return None
        values = dict(row._mapping) | {
            "task_ids": np.frombuffer(row.task_ids, dtype=np.int64),
            "utilities": np.frombuffer(row.utilities, dtype=np.float64),
            "at": as_utc(row.at),
        }
        return QueueRound(**values)

    def begin(self, order: QueueRound) -> None:
        """Write a round down before Label Studio hears of it.

        Raises:
            DatabaseError: The database cannot be written.
        """
        values = vars(order) | {
            "task_ids": order.task_ids.astype(np.int64).tobytes(),
            "utilities": order.utilities.astype(np.float64).tobytes(),
        }
        with self._translated("storing the queue"), self._engine.begin() as connection:
            connection.execute(insert(queue_rounds).values(values))

    def finish(self, project_id: int, number: int) -> None:
        """Call a round finished; earlier ones are forgotten.

        Raises:
            DatabaseError: The database cannot be written.
        """
        of_project = queue_rounds.c.project_id == project_id
        with self._translated("storing the queue"), self._engine.begin() as connection:
            connection.execute(
                update(queue_rounds).where(of_project, queue_rounds.c.number == number).values(finished=True)
            )
            connection.execute(delete(queue_rounds).where(of_project, queue_rounds.c.number < number))

    def end(self, project_id: int) -> None:
        """Remember that Label Studio's settings were put back.

        Raises:
            DatabaseError: The database cannot be written.
        """
        statement = update(queue_rounds).where(queue_rounds.c.project_id == project_id)
        with self._translated("storing the queue"), self._engine.begin() as connection:
            connection.execute(statement.values(former=None, finished=False))

    @staticmethod
    @contextmanager
    def _translated(what: str) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            raise DatabaseError.while_doing(what, error) from error
