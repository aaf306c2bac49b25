"""The webhook inbox: every event Label Studio sent, stored before it is answered."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from sqlalchemy import Engine, func, insert, select

from backend.errors import DatabaseError
from backend.state.database import events
from backend.state.frames import FrameChanges, store_frames
from backend.state.inspections_due import ChangedTasks, store_changed_tasks
from backend.state.transactions import reading, storing

_ROWS_AT_ONCE = 1000


@dataclass(frozen=True)
class StoredEvent:
    """An event without its body, which may have megabytes.

    Attributes:
        number: Later events have higher ones.
        action: Its name.
        task_ids: Tasks it concerns.
        annotation_ids: Annotations it concerns.
    """

    number: int
    action: str
    task_ids: tuple[int, ...]
    annotation_ids: tuple[int, ...]


class EventInbox:
    """Events in order of arrival. Safe between threads and processes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(
        self,
        *,
        action: str,
        project_id: int | None,
        task_ids: Sequence[int],
        annotation_ids: Sequence[int],
        skipped: bool,
        body: Mapping[str, Any],
        chosen_version: str | None = None,
        frames: FrameChanges | None = None,
        inspect: ChangedTasks | None = None,
    ) -> int:
        """Store one event durably, with what it says about frames and annotations, and return its number.

        Raises:
            DatabaseError: The event could not be stored.
        """
        statement = insert(events).values(
            received_at=datetime.now(timezone.utc),
            action=action,
            project_id=project_id,
            skipped=skipped,
            chosen_version=chosen_version,
            task_ids=list(task_ids),
            annotation_ids=list(annotation_ids),
            body=dict(body),
        )
        with storing(self._engine, "an event") as connection:
            key = connection.execute(statement).inserted_primary_key
            if key is None:
                raise DatabaseError("The database stored an event without a number.")
            number = int(key[0])
            if frames is not None and project_id is not None:
                store_frames(connection, project_id, number, frames)
            if inspect is not None and project_id is not None:
                store_changed_tasks(connection, project_id, number, inspect)
        return number

    def newest(self, project_id: int) -> int:
        """Number of the project's newest event, 0 if there is none.

        Raises:
            DatabaseError: The database cannot be read.
        """
        query = select(func.max(events.c.id)).where(events.c.project_id == project_id)
        with reading(self._engine, "events") as connection:
            return int(connection.execute(query).scalar_one() or 0)

    def chosen_version(self, project_id: int) -> str | None:
        """What the project's newest event that says so has as `project.model_version`; None if none does.

        Raises:
            DatabaseError: The database cannot be read.
        """
        query = (
            select(events.c.chosen_version)
            .where(events.c.project_id == project_id, events.c.chosen_version.is_not(None))
            .order_by(events.c.id.desc())
            .limit(1)
        )
        with reading(self._engine, "events") as connection:
            return connection.execute(query).scalar_one_or_none()

    def events(self, project_id: int, actions: Sequence[str]) -> Iterator[StoredEvent]:
        """The project's events with these actions, oldest first, read little by little.

        Raises:
            DatabaseError: The database cannot be read.
        """
        query = (
            select(events.c.id, events.c.action, events.c.task_ids, events.c.annotation_ids)
            .where(events.c.project_id == project_id, events.c.action.in_(actions))
            .order_by(events.c.id)
            .execution_options(yield_per=_ROWS_AT_ONCE)
        )
        with reading(self._engine, "events") as connection:
            for row in connection.execute(query):
                yield StoredEvent(row.id, row.action, tuple(row.task_ids), tuple(row.annotation_ids))

    def bodies(self, numbers: Sequence[int]) -> dict[int, Mapping[str, Any]]:
        """The bodies of events by their numbers; numbers without an event are missing.

        Args:
            numbers: At most some hundreds, as all bodies are in memory at once.

        Raises:
            DatabaseError: The database cannot be read.
        """
        query = select(events.c.id, events.c.body).where(events.c.id.in_(numbers))
        with reading(self._engine, "events") as connection:
            return {row.id: row.body for row in connection.execute(query)}
