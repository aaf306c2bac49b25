"""What decides in Label Studio which task comes next, apart from the predictions themselves."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from backend.errors import LabelStudioError
from backend.labelstudio.rest import LabelStudioApi

LOWEST_SCORE_FIRST = "Uncertainty sampling"
"""Asks the task next whose prediction of the chosen version has the lowest score."""


@dataclass(frozen=True)
class QueueSettings:
    """A project's settings.

    Attributes:
        sampling: Name of the order in which "Label All Tasks" asks.
        model_version: The version, or the title of the model, whose predictions count; "" for none.
        show_collab_predictions: Whether predictions are shown when a task is opened.
    """

    sampling: str
    model_version: str
    show_collab_predictions: bool

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, which the constructor takes."""
        return asdict(self)


def read_queue_settings(api: LabelStudioApi, project_id: int) -> QueueSettings:
    """What a project is set to.

    Raises:
        LabelStudioError: Label Studio refused, failed, or answered something else.
    """
    answer = api.call("GET", f"/api/projects/{project_id}/", f"read project {project_id}")
    sampling = answer.get("sampling") if isinstance(answer, dict) else None
    if not isinstance(sampling, str):
        raise LabelStudioError(f"Label Studio answered no sampling for project {project_id}.")
    return QueueSettings(
        sampling, str(answer.get("model_version") or ""), bool(answer.get("show_collab_predictions"))
    )


def write_queue_settings(api: LabelStudioApi, project_id: int, wanted: QueueSettings) -> None:
    """Set a project, in one call: nobody is asked a task by half of the settings.

    Raises:
        LabelStudioError: Label Studio refused, failed, or cannot be reached; `status` 400 means that there
            are no predictions of the version.
    """
    api.call("PATCH", f"/api/projects/{project_id}/", f"change project {project_id}", json=wanted.to_json())
