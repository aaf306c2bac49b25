"""The webhook inbox: every event Label Studio sent, stored before it is answered."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from sqlalchemy import Engine, insert
from sqlalchemy.exc import SQLAlchemyError

from backend.errors import DatabaseError
from backend.state.database import events


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
    ) -> int:
        """Store one event durably and return its number.

        Raises:
            DatabaseError: The event could not be stored.
        """
        statement = insert(events).values(
            received_at=datetime.now(timezone.utc),
            action=action,
            project_id=project_id,
            skipped=skipped,
            task_ids=list(task_ids),
            annotation_ids=list(annotation_ids),
            body=dict(body),
        )
        try:
            with self._engine.begin() as connection:
                key = connection.execute(statement).inserted_primary_key
        except SQLAlchemyError as error:
            raise DatabaseError.while_doing("storing an event", error) from error
        if key is None:
            raise DatabaseError("The database stored an event without a number.")
        return int(key[0])
