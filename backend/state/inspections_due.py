"""Tasks whose annotations have changed and have to be inspected, and how much was inspected.

Tasks come here in the transaction that stores the event, and go when they were inspected: nothing is lost
with a wake-up or a process. Several events about a task make one inspection.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from sqlalchemy import Connection, Engine, and_, delete, select, update

from backend.state.database import (
    as_utc,
    inspection_dismissals,
    inspection_figures,
    inspection_measures,
    inspections,
    inspections_due,
)
from backend.state.transactions import reading, storing
from backend.state.upserts import upsert

_WHAT = "what has to be inspected"
_NUMBERS_AT_ONCE = 500  # databases take only so many values in one statement
_LOOKS = ""
"""In place of a rule's name: what was looked at after a submission."""


@dataclass(frozen=True)
class ChangedTasks:
    """What an event says about annotations.

    Attributes:
        changed: Tasks whose annotations changed.
        deleted_annotations: Annotations that are gone; the event does not say of which task.
        deleted_tasks: Tasks that are gone.
    """

    changed: Sequence[int] = ()
    deleted_annotations: Sequence[int] = ()
    deleted_tasks: Sequence[int] = ()


@dataclass(frozen=True)
class Due:
    """A task that has to be inspected.

    Attributes:
        task_id: Its number.
        event: The last event about it.
        since: When that arrived, UTC.
        tries: How many looks at it were begun.
    """

    task_id: int
    event: int
    since: datetime
    tries: int


@dataclass(frozen=True)
class InspectionFigures:
    """Figures about all projects, since the database was made.

    Attributes:
        issues: How many issues people were told, by the rule.
        looks: How many tasks were inspected after a submission.
        seconds: From the submissions to the ends of these inspections, together.
    """

    issues: Mapping[str, int]
    looks: int
    seconds: float


class InspectionsDue:
    """Reads and takes off tasks that have to be inspected. Safe between threads and processes.

    Raises:
        DatabaseError: By every method, when the database fails.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def projects(self) -> list[int]:
        """Numbers of the projects with a task that has to be inspected, ascending."""
        query = select(inspections_due.c.project_id).distinct().order_by(inspections_due.c.project_id)
        with reading(self._engine, _WHAT) as connection:
            return list(connection.execute(query).scalars())

    def begin(self, project_id: int) -> Due | None:
        """The project's task that changed last, and count the look; None if no task is left."""
        table = inspections_due.c
        query = (
            select(table.task_id, table.event, table.since, table.tries)
            .where(table.project_id == project_id)
            .order_by(table.event.desc(), table.task_id)
            .limit(1)
        )
        with storing(self._engine, _WHAT) as connection:
            row = connection.execute(query).first()
            if row is None:
                return None
            one = and_(table.project_id == project_id, table.task_id == row.task_id)
            connection.execute(update(inspections_due).where(one).values(tries=table.tries + 1))
        return Due(row.task_id, row.event, as_utc(row.since), row.tries)

    def postpone(self, project_id: int, due: Due) -> None:
        """Let a task wait for better times, as if no look at it had been begun."""
        table = inspections_due.c
        one = and_(table.project_id == project_id, table.task_id == due.task_id)
        with storing(self._engine, _WHAT) as connection:
            connection.execute(update(inspections_due).where(one).values(tries=due.tries))

    def end(self, project_id: int, due: Due) -> None:
        """Take a task off, unless another event about it came meanwhile."""
        table = inspections_due.c
        one = and_(table.project_id == project_id, table.task_id == due.task_id, table.event == due.event)
        with storing(self._engine, _WHAT) as connection:
            connection.execute(delete(inspections_due).where(one))

    def drop(self, project_id: int) -> None:
        """Take all of a project's tasks off."""
        with storing(self._engine, _WHAT) as connection:
            connection.execute(delete(inspections_due).where(inspections_due.c.project_id == project_id))

    def count_look(self, seconds: float) -> None:
        """Count an inspection after a submission, and the seconds between the two."""
        self._count({_LOOKS: (1, seconds)})

    def count_issues(self, by_rule: Mapping[str, int]) -> None:
        """Count issues that people were told for the first time."""
        self._count({rule: (number, 0.0) for rule, number in by_rule.items()})

    def figures(self) -> InspectionFigures:
        """All that was counted."""
        query = select(inspection_figures.c.name, inspection_figures.c["count"], inspection_figures.c.seconds)
        with reading(self._engine, _WHAT) as connection:
            counted = {name: (number, seconds) for name, number, seconds in connection.execute(query)}
        looks, seconds = counted.pop(_LOOKS, (0, 0.0))
        return InspectionFigures({rule: number for rule, (number, _) in counted.items()}, looks, seconds)

    def _count(self, more: Mapping[str, tuple[int, float]]) -> None:
        rows = [
            {"name": name, "count": number, "seconds": seconds}
            for name, (number, seconds) in sorted(more.items())
        ]
        table = inspection_figures.c
        with storing(self._engine, _WHAT) as connection:
            upsert(
                connection,
                inspection_figures,
                rows,
                lambda new: {
                    "count": table["count"] + new["count"],
                    "seconds": table.seconds + new["seconds"],
                },
            )


def store_changed_tasks(connection: Connection, project_id: int, event: int, changes: ChangedTasks) -> None:
    """Write down what an event says, in the transaction that stores it.

    Args:
        connection: In that transaction.
        project_id: The event's project.
        event: Its number.
        changes: What it says.
    """
    tasks = set(changes.changed)
    for numbers in _some(changes.deleted_annotations):
        known = and_(inspections.c.project_id == project_id, inspections.c.annotation_id.in_(numbers))
        tasks.update(connection.execute(select(inspections.c.task_id).where(known)).scalars())
    now = datetime.now(timezone.utc)
    rows: list[dict[str, Any]] = [
        {"project_id": project_id, "task_id": number, "event": event, "since": now, "tries": 0}
        for number in sorted(tasks)
    ]
    upsert(connection, inspections_due, rows)
    for numbers in _some(changes.deleted_tasks):
        for table in (inspections, inspection_measures, inspection_dismissals, inspections_due):
            gone = and_(table.c.project_id == project_id, table.c.task_id.in_(numbers))
            connection.execute(delete(table).where(gone))


def _some(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    return (numbers[start : start + _NUMBERS_AT_ONCE] for start in range(0, len(numbers), _NUMBERS_AT_ONCE))
