"""What has happened in a project since its last training."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Engine, func, select
from sqlalchemy.exc import SQLAlchemyError

from backend.errors import DatabaseError
from backend.state.database import as_utc, events

CHANGES = ("ANNOTATION_CREATED", "ANNOTATION_UPDATED", "ANNOTATIONS_CREATED", "ANNOTATIONS_DELETED")
"""Actions of Label Studio after which there is something else to learn."""
ASKED = "START_TRAINING"
"""The action of whoever presses the button."""


@dataclass(frozen=True)
class Unread:
    """Changes that no training has seen.

    Attributes:
        annotations: How many annotations changed; counted up to the number that is enough.
        newest_at: When the last of the counted changes arrived, UTC; None if there is none.
    """

    annotations: int
    newest_at: datetime | None


class UnreadEvents:
    """Looks into the webhook inbox, at no more rows than a decision needs. Safe between threads.

    Raises:
        DatabaseError: By every method, when the database cannot be read.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def projects(self) -> list[int]:
        """Numbers of all projects that sent an event, ascending; one look into the index for each."""
        found: list[int] = []
        try:
            with self._engine.connect() as connection:
                while (number := _next_project(connection, found[-1] if found else -1)) is not None:
                    found.append(number)
        except SQLAlchemyError as error:
            raise DatabaseError.while_doing("reading events", error) from error
        return found

    def since(self, project_id: int, event: int, enough: int) -> Unread:
        """Count the annotations that changed after an event; skips do not count.

        Args:
            project_id: The project.
            event: Number of the last event that was taken into account.
            enough: Counting ends here.
        """
        query = (
            select(events.c.annotation_ids, events.c.received_at)
            .where(*_after(project_id, event), events.c.action.in_(CHANGES), events.c.skipped.is_(False))
            .order_by(events.c.id)
        )
        seen: set[int] = set()
        newest_at: datetime | None = None
        try:
            with self._engine.connect() as connection:
                for numbers, received_at in connection.execute(query):
                    seen.update(numbers)
                    newest_at = as_utc(received_at)
                    if len(seen) >= enough:
                        break
        except SQLAlchemyError as error:
            raise DatabaseError.while_doing("reading events", error) from error
        return Unread(min(len(seen), enough), newest_at)

    def asked_since(self, project_id: int, event: int) -> bool:
        """Whether somebody pressed "Start Training" after an event."""
        query = select(events.c.id).where(*_after(project_id, event), events.c.action == ASKED).limit(1)
        try:
            with self._engine.connect() as connection:
                return connection.execute(query).first() is not None
        except SQLAlchemyError as error:
            raise DatabaseError.while_doing("reading events", error) from error


def _after(project_id: int, event: int) -> tuple[ColumnElement[bool], ...]:
    return events.c.project_id == project_id, events.c.id > event


def _next_project(connection: Connection, after: int) -> int | None:
    query = select(func.min(events.c.project_id)).where(events.c.project_id > after)
    found: int | None = connection.execute(query).scalar_one()
    return found
