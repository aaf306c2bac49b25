"""The predictions and annotations of single tasks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from backend.errors import LabelStudioError
from backend.labelstudio.rest import LabelStudioApi
from backend.labelstudio.submissions import Submitted, annotated_task


def prediction_of(api: LabelStudioApi, task_id: int, version: str) -> dict[str, Any] | None:
    """The newest prediction of a version for a task, as Label Studio stores it; None without one.

    Raises:
        LabelStudioError: Label Studio refused, failed, or answered something else.
    """
    what = f"list the predictions of task {task_id}"
    answer = api.call("GET", "/api/predictions/", what, params={"task": task_id})
    found = [each for each in _objects(answer, what) if each.get("model_version") == version]
    usable = [each for each in found if isinstance(each.get("result"), list) and type(each.get("id")) is int]
    return max(usable, key=lambda each: int(each["id"]), default=None)


def numbered_prediction(api: LabelStudioApi, prediction_id: int) -> dict[str, Any] | None:
    """The prediction of that number, as Label Studio stores it; None if it was deleted.

    Raises:
        LabelStudioError: Label Studio refused, failed, or cannot be reached.
    """
    try:
        found = api.call("GET", f"/api/predictions/{prediction_id}/", f"read prediction {prediction_id}")
    except LabelStudioError as error:
        if error.status != 404:
            raise
        return None
    return found if isinstance(found, dict) and isinstance(found.get("result"), list) else None


def delete_prediction(api: LabelStudioApi, prediction_id: int) -> None:
    """Delete a prediction; one that is gone already is no error.

    Raises:
        LabelStudioError: Label Studio refused, failed, or cannot be reached.
    """
    try:
        api.call("DELETE", f"/api/predictions/{prediction_id}/", f"delete prediction {prediction_id}")
    except LabelStudioError as error:
        if error.status != 404:
            raise


def annotations_of(api: LabelStudioApi, task_id: int) -> tuple[Submitted, ...]:
    """What was submitted for a task, oldest first; nothing for a task that was deleted.

    Raises:
        LabelStudioError: Label Studio refused, failed, or answered something else.
    """
    what = f"list the annotations of task {task_id}"
    try:
        answer = api.call("GET", f"/api/tasks/{task_id}/annotations/", what)
    except LabelStudioError as error:
        if error.status != 404:
            raise
        return ()
    return annotated_task(task_id, {}, list(_objects(answer, what))).annotations


def _objects(answer: Any, what: str) -> Iterator[dict[str, Any]]:
    if not isinstance(answer, list):
        raise LabelStudioError(f"Label Studio answered something else when asked to {what}.")
    return (each for each in answer if isinstance(each, dict))
