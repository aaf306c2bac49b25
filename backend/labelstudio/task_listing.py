"""Lists of a project's tasks, asked for so that Label Studio does little more than read them.

Pages are cut by task number rather than counted: nothing is skipped or listed twice when tasks come and go in
between, and Label Studio need not count what lies before a page.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backend.errors import LabelStudioError
from backend.labelstudio.payloads import Task
from backend.labelstudio.rest import LabelStudioApi

PAGE = 1000
"""Tasks of one request; in a project with 100,000 tasks it takes 2 s."""
_PAGE_TIMEOUT_S = 120.0
_LONGEST_VERSIONS = 500
"""Characters after which Label Studio cuts a task's list of versions."""

Condition = Mapping[str, Any]
"""One line of the Data Manager's filter."""

UNFINISHED: Condition = {
    "filter": "filter:tasks:completed_at",
    "operator": "empty",
    "type": "Datetime",
    "value": True,
}


def number_is(operator: str, value: Any) -> Condition:
    """A condition on the task's number.

    Args:
        operator: "greater", or "in" with a range.
        value: A number, or `{"min": first, "max": last}`.
    """
    return {"filter": "filter:tasks:id", "operator": operator, "type": "Number", "value": value}


@dataclass(frozen=True)
class TaskFields:
    """What is listed of each task.

    Attributes:
        include: Names of its fields, with commas between them.
        everything: Whether annotations, predictions and drafts may be among them.
        only_stored: Whether to leave alone a model that the project calls for every task listed. Then fields
            that the Data Manager computes are left out too.
    """

    include: str
    everything: bool = False
    only_stored: bool = True


def list_tasks(
    api: LabelStudioApi,
    project_id: int,
    conditions: Sequence[Condition],
    fields: TaskFields,
    *,
    count: int,
    timeout_s: float,
    order: str = "tasks:id",
) -> list[dict[str, Any]]:
    """The first tasks that meet all conditions, each with its number as `id`.

    Args:
        api: Label Studio.
        project_id: The project.
        conditions: What they must meet.
        fields: What is listed of them.
        count: How many at most.
        timeout_s: For the answer.
        order: Column of the Data Manager; after "-", the last come first.

    Raises:
        LabelStudioError: Label Studio refused, failed, or answered something else.
    """
    query = {"filters": {"conjunction": "and", "items": list(conditions)}, "ordering": [order]}
    answer = api.call(
        "GET",
        "/api/tasks",
        f"list tasks of project {project_id}",
        timeout_s=timeout_s,
        params={
            "project": project_id,
            "page_size": count,
            "fields": "all" if fields.everything else "task_only",
            "include": fields.include,
            "resolve_uri": "false",
            "review": "true" if fields.only_stored else "false",
            "query": json.dumps(query),
        },
    )
    tasks = answer.get("tasks") if isinstance(answer, dict) else None
    if not isinstance(tasks, list):
        raise LabelStudioError(f"Label Studio answered no list of tasks of project {project_id}.")
    if not all(isinstance(task, dict) and type(task.get("id")) is int for task in tasks):
        raise LabelStudioError(
            f"Label Studio answered a task of project {project_id} without number or data."
        )
    return tasks


def task_of(item: Mapping[str, Any], project_id: int) -> Task:
    """A task that was listed with its data.

    Raises:
        LabelStudioError: The data is not there.
    """
    if not isinstance(item.get("data"), dict):
        raise LabelStudioError(
            f"Label Studio answered a task of project {project_id} without number or data."
        )
    return Task(item["id"], project_id, item["data"])


@dataclass(frozen=True)
class TaskChoice:
    """Which tasks of a project.

    Attributes:
        unfinished: Only those that still need annotations.
        numbers: Only these; None for all.
    """

    unfinished: bool = False
    numbers: frozenset[int] | None = None


def chosen_tasks(api: LabelStudioApi, project_id: int, choice: TaskChoice) -> Iterator[Task]:
    """The chosen tasks in order of their numbers, without annotations.

    Raises:
        LabelStudioError: Label Studio refused, failed, or cannot be reached; after some tasks perhaps.
    """
    conditions = [UNFINISHED] if choice.unfinished else []
    if choice.numbers is not None:
        if not choice.numbers:
            return
        limits = {"min": min(choice.numbers), "max": max(choice.numbers)}
        conditions.append(number_is("in", limits))
    for item in _all_tasks(api, project_id, conditions, TaskFields("id,data")):
        if choice.numbers is None or item["id"] in choice.numbers:
            yield task_of(item, project_id)


def tasks_with_version(api: LabelStudioApi, project_id: int, version: str) -> set[int]:
    """Numbers of the tasks that have a prediction of this version.

    Raises:
        LabelStudioError: Label Studio refused, failed, or cannot be reached.
    """
    condition = {
        "filter": "filter:tasks:predictions_model_versions",
        "operator": "contains",  # a part of the name is enough
        "type": "List",
        "value": [version],
    }
    fields = TaskFields(
        "id,predictions_model_versions", only_stored=False
    )  # tasks with predictions: no calls
    return {
        item["id"]
        for item in _all_tasks(api, project_id, [condition], fields)
        if _has_version(str(item.get("predictions_model_versions")), version)
    }


def _all_tasks(
    api: LabelStudioApi, project_id: int, conditions: Sequence[Condition], fields: TaskFields
) -> Iterator[dict[str, Any]]:
    last = 0
    while True:
        page = list_tasks(
            api,
            project_id,
            [*conditions, number_is("greater", last)],
            fields,
            count=PAGE,
            timeout_s=_PAGE_TIMEOUT_S,
        )
        for item in page:
            if item["id"] > last:  # a task is listed once for each of its predictions that matches
                last = item["id"]
                yield item
        if len(page) < PAGE:
            return


def _has_version(listed: str, version: str) -> bool:
    """Whether versions that are joined by commas hold this one; a list that was cut counts as holding it."""
    return len(listed) >= _LONGEST_VERSIONS or version in (name.strip() for name in listed.split(","))
