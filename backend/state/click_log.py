"""The click log: how people prompt and what they got, for those who inspect annotations and models.

It holds positions and figures, never pixels and never a person. A record is handed over in microseconds and
written half a second later with all others of that time, so that no click waits for the disk. What has been
handed over is written when the process ends in order; a killed process loses the last half second.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from sqlalchemy import Engine, Row, delete, insert, select
from sqlalchemy.exc import SQLAlchemyError

from backend.errors import DatabaseError
from backend.state.background import Background, call_at_exit
from backend.state.database import as_utc, clicks
from models.prompts import Box, Click, Prompts

logger = logging.getLogger(__name__)

_COLLECT_S = 0.5
_PRUNE_EVERY_S = 3600.0
_MOST_UNWRITTEN = 10_000
"""Records kept while the database does not take them, about 10 MB."""


@dataclass(frozen=True)
class ClickRecord:
    """One answer to prompts.

    Attributes:
        at: When it was answered, UTC.
        project_id: Number of the project, None if Label Studio did not say.
        task_id: Number of the task, None if it is not stored.
        to_name: The picture's name in the labelling config.
        label: The object's label, None if it has none.
        prompt_ids: The editor's ids of the prompts, as in `PromptGroup`.
        prompts: In (row, column) pixels.
        refined: Whether an existing object was to be corrected.
        area: Pixels of the answer.
        overlap: IoU of what the model found with what it was shown, in [0, 1]; None if it was shown nothing.
        latency_ms: From the request's arrival at the service to the finished answer.
        model_version: Of the interactive model.
    """

    at: datetime
    project_id: int | None
    task_id: int | None
    to_name: str
    label: str | None
    prompt_ids: tuple[str, ...]
    prompts: Prompts
    refined: bool
    area: int
    overlap: float | None
    latency_ms: float
    model_version: str


class ClickLog:
    """Writes and reads records. Safe between threads and processes.

    Args:
        engine: The database.
        keep_days: Older records are removed, at most once an hour; with 0 nothing is written at all.
    """

    def __init__(self, engine: Engine, *, keep_days: int) -> None:
        self._engine = engine
        self._keep_days = keep_days
        self._lock = threading.Lock()  # guards the list, never held while writing
        self._writing = threading.Lock()  # keeps records in order
        self._unwritten: list[ClickRecord] = []
        self._next_prune = time.monotonic()
        self._closing = threading.Event()
        self._background = Background("click-log", limit=1)
        call_at_exit(self.close)

    def add(self, record: ClickRecord) -> None:
        """Hand over a record; it is written soon."""
        if not self._keep_days:
            return
        with self._lock:
            self._unwritten.append(record)
            del self._unwritten[:-_MOST_UNWRITTEN]
        self._background.submit("write", self._write_later)

    def for_task(self, project_id: int, task_id: int) -> list[ClickRecord]:
        """The records of a task, oldest first.

        Raises:
            DatabaseError: The database cannot be read, or not be written while records are waiting.
        """
        self.flush()
        query = (
            select(clicks)
            .where(clicks.c.project_id == project_id, clicks.c.task_id == task_id)
            .order_by(clicks.c.id)
        )
        try:
            with self._engine.connect() as connection:
                return [_record(row) for row in connection.execute(query)]
        except SQLAlchemyError as error:
            raise DatabaseError.while_doing("reading the click log", error) from error

    def prompts_by_task(self, project_id: int) -> dict[int, int]:
        """How many clicks and boxes people have made, by task; tasks without any are missing.

        The editor sends all prompts of an object again with each new one; its ids tell them apart.

        Raises:
            DatabaseError: The database cannot be read, or not be written while records are waiting.
        """
        self.flush()
        query = select(clicks.c.task_id, clicks.c.prompt_ids).where(
            clicks.c.project_id == project_id, clicks.c.task_id.is_not(None)
        )
        found: dict[int, set[str]] = {}
        try:
            with self._engine.connect() as connection:
                for task_id, prompt_ids in connection.execute(query):
                    found.setdefault(task_id, set()).update(prompt_ids)
        except SQLAlchemyError as error:
            raise DatabaseError.while_doing("reading the click log", error) from error
        return {task_id: len(prompt_ids) for task_id, prompt_ids in found.items()}

    def flush(self) -> None:
        """Write all records that were handed over, and remove those that are too old.

        Raises:
            DatabaseError: The database does not take them; they are kept for another try.
        """
        with self._writing:
            with self._lock:
                records, self._unwritten = self._unwritten, []
            if not records:
                return
            try:
                self._write(records)
            except SQLAlchemyError as error:
                with self._lock:
                    self._unwritten = [*records, *self._unwritten][-_MOST_UNWRITTEN:]
                raise DatabaseError.while_doing("writing the click log", error) from error

    def close(self) -> None:
        """Write what was handed over; called by itself when the interpreter ends."""
        self._closing.set()
        self._background.close()
        self._flush_or_log()

    def _write_later(self) -> None:
        self._closing.wait(_COLLECT_S)
        self._flush_or_log()

    def _flush_or_log(self) -> None:
        try:
            self.flush()
        except DatabaseError as error:
            logger.error("%s", error)

    def _write(self, records: Sequence[ClickRecord]) -> None:
        with self._engine.begin() as connection:
            connection.execute(insert(clicks), [_row(record) for record in records])
            if time.monotonic() >= self._next_prune:
                oldest = datetime.now(timezone.utc) - timedelta(days=self._keep_days)
                connection.execute(delete(clicks).where(clicks.c.at < oldest))
                self._next_prune = time.monotonic() + _PRUNE_EVERY_S


def _row(record: ClickRecord) -> dict[str, Any]:
    box = record.prompts.box
    return {
        "at": record.at,
        "project_id": record.project_id,
        "task_id": record.task_id,
        "to_name": _storable(record.to_name),
        "label": None if record.label is None else _storable(record.label),
        "prompt_ids": list(record.prompt_ids),
        "prompts": {
            "clicks": [[click.row, click.column, click.positive] for click in record.prompts.clicks],
            "box": None if box is None else [box.top, box.left, box.bottom, box.right],
        },
        "refined": record.refined,
        "area": record.area,
        "overlap": record.overlap,
        "latency_ms": record.latency_ms,
        "model_version": record.model_version,
    }


def _storable(text: str) -> str:
    """Without what JSON may hold and databases refuse: half characters and zero bytes."""
    return text.encode("utf-8", "replace").decode().replace("\0", "?")


def _record(row: Row[Any]) -> ClickRecord:
    fields = dict(row._mapping)
    del fields["id"]
    fields["at"] = as_utc(fields["at"])
    fields["prompt_ids"] = tuple(fields["prompt_ids"])
    fields["prompts"] = _prompts(fields["prompts"])
    return ClickRecord(**fields)


def _prompts(stored: Mapping[str, Any]) -> Prompts:
    box = stored["box"]
    return Prompts(tuple(Click(*click) for click in stored["clicks"]), None if box is None else Box(*box))
