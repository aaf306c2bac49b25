"""Warnings on tasks: a report for programs in the task's meta, and a sentence for people in its data.

Label Studio replaces all of a task's meta or data when it is told to change one field, so both are read
anew, changed in one place, and written back. Nothing is written when nothing changes; annotations are never
touched.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from backend.labelstudio.payloads import Task
from backend.labelstudio.rest import LabelStudioApi
from backend.labelstudio.tabs import delete_tab, find_tab, put_tab
from backend.labelstudio.task_listing import Condition, TaskChoice, chosen_tasks, tasks_that_meet

KEY = "maskloop_inspection"
"""Of the report in a task's meta."""
FIELD = "maskloop_warning"
"""Of the sentence in a task's data: a name that nobody's own data have."""
TAB = "Warnings"
REPORT_VERSION = 1
_MOST_BYTES = 4000
"""Of a report: tasks are listed with their meta."""
_MOST_CHARACTERS = 300
_COLUMN_WIDTH = 420
"""Of the sentence, in pixels."""
_SHOWN = re.compile(rf"\${FIELD}\b")
_REPORTED: Condition = {
    "filter": "filter:tasks:meta",
    "operator": "contains",
    "type": "String",
    "value": KEY,
}
_WARNED: Condition = {
    "filter": f"filter:tasks:data.{FIELD}",
    "operator": "contains",  # Label Studio takes "" for empty only if the project's first task has the field
    "type": "String",
    "value": "0.",
}
"""All sentences begin so."""

Json = Mapping[str, Any]


def shows_warnings(label_config: str) -> bool:
    """Whether a labelling config, XML, shows people the sentence."""
    return _SHOWN.search(label_config) is not None


def imported_data(data: Json) -> dict[str, Any]:
    """A task's data as somebody imported them, without the sentence."""
    return {name: value for name, value in data.items() if name != FIELD}


def imported_meta(meta: Json) -> dict[str, Any]:
    """A task's meta as somebody imported it, without the report."""
    return {name: value for name, value in meta.items() if name != KEY}


def make_report(severity: float, issues: Sequence[Json], *, version: str, at: str) -> dict[str, Any]:
    """The report for programs.

    Args:
        severity: Of all issues together, in [0, 1].
        issues: The worst first, each with `annotation`, `image`, `rule`, `severity`, `message`, `region_ids`
            and `box`. Those that find no room are counted, but not listed.
        version: Of the trained version that was asked; "" for none.
        at: When this was found, ISO 8601.
    """
    report: dict[str, Any] = {
        "version": REPORT_VERSION,
        "at": at,
        "model_version": version,
        "severity": round(severity, 4),
        "count": len(issues),
        "issues": [],
    }
    left = _MOST_BYTES - len(json.dumps(report))
    for issue in issues:
        left -= len(json.dumps(issue)) + 2
        if left < 0:
            break
        report["issues"].append(dict(issue))
    return report


def warning_text(severity: float, issues: Sequence[Json]) -> str:
    """The sentence for people; texts sort as the severities do.

    Args:
        severity: Of all issues together, in [0, 1].
        issues: The worst first; "" is returned without any.
    """
    if not issues:
        return ""
    more = f" (+{len(issues) - 1} more)" if len(issues) > 1 else ""
    return f"{min(severity, 0.99):.2f} {issues[0]['message']}"[: _MOST_CHARACTERS - len(more)] + more


def write_report(api: LabelStudioApi, project_id: int, task_id: int, report: Json | None, text: str) -> bool:
    """Make a task say this, and nothing that was said before.

    Args:
        api: Label Studio, as a user who may change the task.
        project_id: Its project.
        task_id: The task.
        report: See `make_report`; None takes the report away. One that differs only in its time stays.
        text: See `warning_text`; "" takes the sentence away.

    Returns:
        Whether the task had to be changed; not if it is gone.

    Raises:
        LabelStudioError: Label Studio refused, failed, or cannot be reached.
    """
    task = task_of_number(api, project_id, task_id)
    if task is None:
        return False
    changes: dict[str, Any] = {}
    if not same_report(task.meta.get(KEY), report):
        changes["meta"] = imported_meta(task.meta) | ({} if report is None else {KEY: dict(report)})
    if (task.data.get(FIELD) or "") != text:
        changes["data"] = imported_data(task.data) | {FIELD: text}
    if changes:
        api.call("PATCH", f"/api/tasks/{task_id}/", f"write the warnings of task {task_id}", json=changes)
    return bool(changes)


def same_report(there: Any, wanted: Json | None) -> bool:
    """Whether two reports say the same, whenever it was found."""
    if not isinstance(there, Mapping) or wanted is None:
        return there is None and wanted is None
    return {**there, "at": ""} == {**wanted, "at": ""}


def task_of_number(api: LabelStudioApi, project_id: int, task_id: int) -> Task | None:
    """A task as it is now, without annotations; None if it is gone. No model is asked for predictions.

    Raises:
        LabelStudioError: Label Studio refused, failed, or cannot be reached.
    """
    return next(chosen_tasks(api, project_id, TaskChoice(numbers=frozenset({task_id}))), None)


def reported_tasks(api: LabelStudioApi, project_id: int) -> dict[int, Task]:
    """The tasks that carry a report or a sentence, by number.

    Raises:
        LabelStudioError: Label Studio refused, failed, or cannot be reached.
    """
    found = [
        task for condition in (_REPORTED, _WARNED) for task in tasks_that_meet(api, project_id, [condition])
    ]
    return {task.id: task for task in found if task.id is not None}


def put_warnings_tab(api: LabelStudioApi, project_id: int, *, with_text: bool) -> None:
    """Make the tab of tasks with warnings, unless it is there; filters and columns are people's own affair.

    Args:
        api: Label Studio, as a user who may change the project.
        project_id: The project.
        with_text: Whether the tasks have the sentence: then the worst come first. Label Studio cannot sort by
            meta.

    Raises:
        LabelStudioError: Label Studio refused, failed, or answered something else.
    """
    ordering = [f"-tasks:data.{FIELD}"] if with_text else ["tasks:id"]
    tab = find_tab(api, project_id, TAB)
    if tab is None or list(tab.data.get("ordering") or ()) != ordering:
        shown = [_WARNED if with_text else _REPORTED]
        put_tab(api, project_id, TAB, shown, ordering, widths={f"tasks:data.{FIELD}": _COLUMN_WIDTH})


def delete_warnings_tab(api: LabelStudioApi, project_id: int) -> None:
    """Take the tab away; nothing happens if it is not there.

    Raises:
        LabelStudioError: Label Studio refused, failed, or answered something else.
    """
    delete_tab(api, project_id, TAB)
