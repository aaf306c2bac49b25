"""Annotated frames of sequences: a frame's neighbours are found without replaying the inbox.

Rows change in the transaction that stores an event, so that they never disagree with the inbox. As there, the
last event that holds an annotation tells what it is, and whatever was deleted stays deleted, even if a change
of it arrives late.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Column, Connection, Engine, func, select, update
from sqlalchemy.exc import SQLAlchemyError

from backend.errors import DatabaseError
from backend.state.database import frames
from backend.state.upserts import upsert

_NUMBERS_AT_ONCE = 500  # databases take only so many values in one statement
_MOST_ROWS = 50


@dataclass(frozen=True)
class AnnotatedFrame:
    """An annotation of a frame.

    Attributes:
        annotation_id: Its number.
        task_id: Number of the task, which is the frame.
        group: Name of the sequence.
        frame: Place in its order, finite.
    """

    annotation_id: int
    task_id: int
    group: str
    frame: float


@dataclass(frozen=True)
class FrameChanges:
    """What an event says about frames.

    Attributes:
        annotated: Annotations of frames that it tells.
        deleted_annotations: Numbers of annotations that are gone.
        deleted_tasks: Numbers of tasks that are gone.
    """

    annotated: Sequence[AnnotatedFrame] = ()
    deleted_annotations: Sequence[int] = ()
    deleted_tasks: Sequence[int] = ()


@dataclass(frozen=True)
class Neighbour:
    """A frame near another one.

    Attributes:
        task_id: Its task.
        frame: Its place in the sequence.
        told_by: Number of the event that tells what an annotation is, by the annotation's number.
    """

    task_id: int
    frame: float
    told_by: dict[int, int]


class Frames:
    """Finds annotated frames. Safe between threads and processes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def near(
        self, project_id: int, group: str, frame: float, reach: float, *, but_task: int | None
    ) -> tuple[Neighbour, ...]:
        """Frames of a sequence around a place in it, with an annotation that was not deleted.

        Args:
            project_id: The project.
            group: Name of the sequence.
            frame: The place.
            reach: How far they may be away.
            but_task: A task that is not its own neighbour.

        Returns:
            The nearest first; of equally near ones the earlier. Some tens at most.

        Raises:
            DatabaseError: The database cannot be read.
        """
        query = (
            select(frames.c.task_id, frames.c.frame, frames.c.annotation_id, frames.c.event)
            .where(
                frames.c.project_id == project_id,
                frames.c.group_digest == _digest(group),
                frames.c.frame.between(frame - reach, frame + reach),
                frames.c.deleted.is_(False),
                frames.c.task_id.is_distinct_from(but_task),
            )
            .order_by(func.abs(frames.c.frame - frame), frames.c.frame, frames.c.task_id)
            .limit(_MOST_ROWS)
        )
        found: dict[int, Neighbour] = {}
        try:
            with self._engine.connect() as connection:
                for task_id, place, annotation_id, event in connection.execute(query):
                    neighbour = found.setdefault(task_id, Neighbour(task_id, place, {}))
                    neighbour.told_by[annotation_id] = event
        except SQLAlchemyError as error:
            raise DatabaseError.while_doing("looking for frames", error) from error
        return tuple(found.values())


def store_frames(connection: Connection, project_id: int, event: int, changes: FrameChanges) -> None:
    """Write down what an event says, in the transaction that stores it.

    Args:
        connection: In that transaction.
        project_id: The event's project.
        event: Its number.
        changes: What it says.
    """
    if changes.annotated:
        rows = [
            {
                "project_id": project_id,
                "annotation_id": each.annotation_id,
                "task_id": each.task_id,
                "group_digest": _digest(each.group),
                "frame": each.frame,
                "event": event,
                "deleted": False,
            }
            for each in sorted(changes.annotated, key=lambda each: each.annotation_id)  # no deadlocks
        ]
        upsert(
            connection,
            frames,
            rows,
            lambda new: {name: new[name] for name in ("task_id", "group_digest", "frame", "event")},
            only_if=lambda new: frames.c.event < new.event,  # unless a later event told otherwise
        )
    _mark_deleted(connection, project_id, frames.c.annotation_id, changes.deleted_annotations)
    _mark_deleted(connection, project_id, frames.c.task_id, changes.deleted_tasks)


def _mark_deleted(
    connection: Connection, project_id: int, column: Column[int], numbers: Sequence[int]
) -> None:
    for start in range(0, len(numbers), _NUMBERS_AT_ONCE):
        some = numbers[start : start + _NUMBERS_AT_ONCE]
        connection.execute(
            update(frames).where(frames.c.project_id == project_id, column.in_(some)).values(deleted=True)
        )


def _digest(group: str) -> str:
    """Names may have any length and any character; databases take neither."""
    return hashlib.sha256(group.encode("utf-8", "surrogatepass")).hexdigest()
