"""Which tasks are pictures of one sequence, and in which order: as task data says."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backend.labelstudio.automatic_annotations import is_untouched
from backend.labelstudio.payloads import WebhookEvent
from backend.labelstudio.submissions import (
    ANNOTATIONS_DELETED,
    SUBMITTED,
    TASKS_DELETED,
    annotated_task,
    told_annotations,
)
from backend.state.frames import AnnotatedFrame, FrameChanges

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Place:
    """Where a task stands in a sequence.

    Attributes:
        group: The name of the sequence.
        frame: Its place in the order of the sequence, finite.
    """

    group: str
    frame: float


@dataclass(frozen=True)
class SequenceFields:
    """The fields that say so; of each kind the first one found counts, and in `data` before `meta`.

    Attributes:
        groups: Those that name the sequence.
        frames: Those that hold the place in it, a number or a text of one.
    """

    groups: Sequence[str]
    frames: Sequence[str]

    def group(self, data: Json, meta: Json) -> str | None:
        """Name of the task's sequence; None if it is of none.

        Args:
            data: What was imported as the task.
            meta: What was imported beside it.
        """
        for field in self.groups:
            for fields in (data, meta):
                value = fields.get(field)
                if isinstance(value, str | int) and value != "":
                    return str(value)
        return None

    def place(self, data: Json, meta: Json) -> Place | None:
        """The task's sequence and its place in it; None if one of them is missing.

        Args:
            data: What was imported as the task.
            meta: What was imported beside it.
        """
        group = self.group(data, meta)
        if group is None:
            return None
        for field in self.frames:
            for fields in (data, meta):
                frame = _number(fields.get(field))
                if frame is not None:
                    return Place(group, frame)
        return None


def frame_changes(event: WebhookEvent, fields: SequenceFields) -> FrameChanges:
    """What an event says about frames of sequences.

    Args:
        event: The event.
        fields: Where tasks say which sequence they are of.
    """
    if event.action == ANNOTATIONS_DELETED:
        return FrameChanges(deleted_annotations=event.annotation_ids)
    if event.action == TASKS_DELETED:
        return FrameChanges(deleted_tasks=event.task_ids)
    if event.action not in SUBMITTED:
        return FrameChanges()
    annotated = []
    for task, annotation in told_annotations(event.body):
        if is_untouched(annotation):
            continue
        known = annotated_task(task["id"], task, ())
        place = fields.place(known.data, known.meta)
        if place is not None:
            annotated.append(AnnotatedFrame(annotation["id"], known.id, place.group, place.frame))
    return FrameChanges(annotated)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
