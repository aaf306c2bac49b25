"""Annotations as Label Studio stores them, from its API or from its webhooks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from backend.labelstudio.automatic_annotations import is_untouched

SUBMITTED = ("ANNOTATION_CREATED", "ANNOTATION_UPDATED", "ANNOTATIONS_CREATED")
"""Webhook actions that tell what an annotation is now."""
ANNOTATIONS_DELETED, TASKS_DELETED = "ANNOTATIONS_DELETED", "TASKS_DELETED"

Json = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Submitted:
    """An annotation as Label Studio stores it.

    Attributes:
        id: Its number.
        annotator: Number of the user who made it, None if Label Studio no longer knows.
        updated_at: When it was submitted or changed, seconds since 1970; 0 if that is unknown.
        ground_truth: Whether somebody marked it as the truth.
        cancelled: Whether the annotator skipped the task.
        result: Its items, see `decode_annotation`; empty if they were not asked for.
        automatic: Whether a model made it and nobody has changed it, see `automatic_annotations`.
        lead_time_s: How long it took; None if that is unknown.
        prediction_id: Number of the pre-label that it began from; None if it began from nothing.
    """

    id: int
    annotator: int | None
    updated_at: float
    ground_truth: bool
    cancelled: bool
    result: Sequence[Any]
    automatic: bool
    lead_time_s: float | None
    prediction_id: int | None


@dataclass(frozen=True, eq=False)
class AnnotatedTask:
    """A task with its annotations.

    Attributes:
        id: Its number.
        data: What was imported; picture addresses are unresolved.
        meta: What was imported beside it.
        annotations: Oldest first.
    """

    id: int
    data: Json
    meta: Json
    annotations: tuple[Submitted, ...]


def annotated_task(number: int, task: Json, annotations: Sequence[Any]) -> AnnotatedTask:
    """Read a task as the API and the webhooks describe it; what is no annotation is left out.

    Args:
        number: The task's number.
        task: Its fields, of which `data` and `meta` count.
        annotations: The fields of its annotations.
    """
    submitted = [_submitted(each) for each in annotations if isinstance(each, dict)]
    known = sorted(
        (each for each in submitted if each is not None), key=lambda each: (each.updated_at, each.id)
    )
    return AnnotatedTask(number, _object(task.get("data")), _object(task.get("meta")), tuple(known))


def told_annotations(body: Json) -> Iterator[tuple[Json, Json]]:
    """The annotations of a webhook event, each after its task; those whose task is not there are left out.

    Args:
        body: The event, whose action is one of `SUBMITTED`.
    """
    tasks = {task["id"]: task for task in _numbered(body.get("task"))}
    for annotation in _numbered(body.get("annotation")):
        task = tasks.get(annotation.get("task"))
        if task is not None:
            yield task, annotation


def _numbered(value: Any) -> Sequence[Json]:
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, dict) and type(item.get("id")) is int]


def _submitted(fields: Json) -> Submitted | None:
    number, result = fields.get("id"), fields.get("result")
    if type(number) is not int:
        return None
    user, prediction = fields.get("completed_by"), fields.get("parent_prediction")
    return Submitted(
        id=number,
        annotator=user if type(user) is int else None,
        updated_at=_moment(fields.get("updated_at")),
        ground_truth=fields.get("ground_truth") is True,
        cancelled=fields.get("was_cancelled") is True,
        result=result if isinstance(result, list) else [],
        automatic=is_untouched(fields),
        lead_time_s=_seconds(fields.get("lead_time")),
        prediction_id=prediction if type(prediction) is int else None,
    )


def _seconds(value: Any) -> float | None:
    is_time = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
    return float(value) if is_time else None


def _object(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _moment(value: Any) -> float:
    try:
        return datetime.fromisoformat(str(value).replace("Z", "+00:00")).timestamp()
    except (ValueError, OverflowError):
        return 0.0
