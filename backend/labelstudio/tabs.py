"""Tabs of the Data Manager: found by their title, put there, taken away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backend.errors import LabelStudioError
from backend.labelstudio.rest import LabelStudioApi
from backend.labelstudio.task_listing import Condition

_VIEWS = "/api/dm/views/"
_DEFAULT = "Default"
"""The tab that Label Studio makes for a project without any, when somebody opens the project."""
_RARE = (
    "inner_id",
    "annotations_results",
    "annotations_ids",
    "predictions_score",
    "predictions_model_versions",
    "predictions_results",
    "file_upload",
    "storage_filename",
    "created_at",
    "updated_at",
    "updated_by",
    "avg_lead_time",
    "draft_exists",
)
"""Columns that Label Studio hides in its own tabs; showing them costs it more for each page."""
_BESIDE_TASK = ("completed_at", "cancelled_annotations", "total_predictions", "annotators")
"""Those that it also hides in the narrow list beside an open task."""


@dataclass(frozen=True)
class Tab:
    """A tab.

    Attributes:
        id: Its number.
        data: Its title, order, filters, columns and widths.
    """

    id: int
    data: Mapping[str, Any]


def find_tab(api: LabelStudioApi, project_id: int, title: str) -> Tab | None:
    """The project's first tab with this title; None if there is none.

    Raises:
        LabelStudioError: Label Studio refused, failed, or answered something else.
    """
    return next((tab for tab in _tabs(api, project_id) if tab.data.get("title") == title), None)


def put_tab(
    api: LabelStudioApi,
    project_id: int,
    title: str,
    conditions: Sequence[Condition],
    ordering: Sequence[str],
    *,
    any_of: bool = False,
    widths: Mapping[str, int] | None = None,
) -> None:
    """Make a tab with this title, or change the one that is there; people's columns and widths stay.

    Args:
        api: Label Studio, as a user who may change the project.
        project_id: The project.
        title: Shown to people.
        conditions: What its tasks must meet.
        ordering: Column of the Data Manager; after "-", the last come first. Only the first one counts.
        any_of: Whether one of the conditions is enough.
        widths: Of columns in a new tab, in pixels by the column.

    Raises:
        LabelStudioError: Label Studio refused, failed, or answered something else.
    """
    tabs = _tabs(api, project_id)
    tab = next((each for each in tabs if each.data.get("title") == title), None)
    if not tabs:  # else the new tab would be the only one, and all other tasks out of sight
        _write(api, "POST", _VIEWS, project_id, {"title": _DEFAULT, "hiddenColumns": _hidden()})
    wanted = {
        "title": title,
        "ordering": list(ordering),
        "filters": {
            "conjunction": "or" if any_of else "and",
            "items": [dict(condition) for condition in conditions],
        },
    }
    if tab is None:
        shown = {} if widths is None else {"columnsWidth": dict(widths)}
        _write(api, "POST", _VIEWS, project_id, {**wanted, **shown, "hiddenColumns": _hidden()})
    else:
        _write(api, "PATCH", f"{_VIEWS}{tab.id}/", project_id, {**tab.data, **wanted})


def delete_tab(api: LabelStudioApi, project_id: int, title: str) -> None:
    """Take a tab away; nothing happens if it is not there.

    Raises:
        LabelStudioError: Label Studio refused, failed, or answered something else.
    """
    tab = find_tab(api, project_id, title)
    if tab is not None:
        api.call("DELETE", f"{_VIEWS}{tab.id}/", f"delete a tab of project {project_id}")


def _tabs(api: LabelStudioApi, project_id: int) -> list[Tab]:
    what = f"list the tabs of project {project_id}"
    answer = api.call("GET", _VIEWS, what, params={"project": project_id})
    if not isinstance(answer, list):
        raise LabelStudioError(f"Label Studio answered something else when asked to {what}.")
    tabs = [each for each in answer if isinstance(each, dict) and type(each.get("id")) is int]
    return [Tab(each["id"], data) for each in tabs if isinstance(data := each.get("data"), dict)]


def _hidden() -> dict[str, list[str]]:
    return {
        "explore": [f"tasks:{name}" for name in _RARE],
        "labeling": [f"tasks:{name}" for name in (*_RARE, *_BESIDE_TASK)],
    }


def _write(api: LabelStudioApi, method: str, path: str, project_id: int, data: Mapping[str, Any]) -> None:
    api.call(
        method, path, f"save a tab of project {project_id}", json={"project": project_id, "data": dict(data)}
    )
