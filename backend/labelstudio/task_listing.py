"""Lists of a project's tasks, asked for so that Label Studio does little more than read them.

Pages are cut by task number rather than counted: nothing is skipped or listed twice when tasks come and go in
between. After the first, each is a window of numbers, because Label Studio counts the predictions and
annotations of all tasks that meet the conditions for every page.
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
DRAFTED: Condition = {
    "filter": "filter:tasks:draft_exists",
    "operator": "equal",
    "type": "Boolean",
    "value": True,
}
ANNOTATED: Condition = {
    "filter": "filter:tasks:total_annotations",
    "operator": "greater",
    "type": "Number",
    "value": 0,
}
"""Skips do not count."""
_CONTENT = "id,data,meta"


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
    meta = item.get("meta")
    return Task(item["id"], project_id, item["data"], meta=meta if isinstance(meta, dict) else {})


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
    for item in _all_tasks(api, project_id, conditions, TaskFields(_CONTENT)):
        if choice.numbers is None or item["id"] in choice.numbers:
            yield task_of(item, project_id)


def tasks_that_meet(api: LabelStudioApi, project_id: int, conditions: Sequence[Condition]) -> Iterator[Task]:
    """The tasks that meet all conditions, in order of their numbers, without annotations.

    Raises:
        LabelStudioError: Label Studio refused, failed, or cannot be reached; after some tasks perhaps.
    """
    for item in _all_tasks(api, project_id, conditions, TaskFields(_CONTENT)):
        yield task_of(item, project_id)


def annotated_tasks(api: LabelStudioApi, project_id: int) -> Iterator[Task]:
    """The tasks that have an annotation which is no skip, in order of their numbers, without annotations.

    Raises:
        LabelStudioError: Label Studio refused, failed, or cannot be reached; after some tasks perhaps.
    """
    yield from tasks_that_meet(api, project_id, [ANNOTATED])


def tasks_in_progress(api: LabelStudioApi, project_id: int) -> set[int]:
    """Numbers of the tasks that need annotations and hold a draft of anybody's.

    Raises:
        LabelStudioError: Label Studio refused, failed, or cannot be reached.
    """
    conditions = [UNFINISHED, DRAFTED]
    return {item["id"] for item in _all_tasks(api, project_id, conditions, TaskFields("id"))}


def tasks_with_version(api: LabelStudioApi, project_id: int, version: str) -> set[int]:
    """Numbers of the tasks that have a prediction of this version.

    Raises:
        LabelStudioError: Label Studio refused, failed, or cannot be reached.
    """
    return {item["id"] for item in _predicted_tasks(api, project_id, version, "id")}


def shown_scores(api: LabelStudioApi, project_id: int, version: str) -> dict[int, float]:
    """Scores of the predictions that the project shows.

    Args:
        api: Label Studio.
        project_id: The project.
        version: The version that it shows; Label Studio lists no other scores.

    Returns:
        By the task's number; tasks without a score are missing.

    Raises:
        LabelStudioError: Label Studio refused, failed, or cannot be reached.
    """
    scored = {
        "filter": "filter:tasks:predictions_score",  # else Label Studio does not compute it
        "operator": "greater_or_equal",
        "type": "Number",
        "value": 0,
    }
    listed = _predicted_tasks(api, project_id, version, "id,predictions_score", scored)
    scores = ((item["id"], item.get("predictions_score")) for item in listed)
    return {number: float(score) for number, score in scores if isinstance(score, int | float)}


def _predicted_tasks(
    api: LabelStudioApi, project_id: int, version: str, include: str, *conditions: Condition
) -> Iterator[dict[str, Any]]:
    """The tasks that have a prediction of a version, so listing them asks no model."""
    condition = {
        "filter": "filter:tasks:predictions_model_versions",
        "operator": "contains",  # a part of the name is enough
        "type": "List",
        "value": [version],
    }
    fields = TaskFields(f"{include},predictions_model_versions", only_stored=False)
    for item in _all_tasks(api, project_id, [condition, *conditions], fields):
        if _has_version(str(item.get("predictions_model_versions")), version):
            yield item


def _all_tasks(
    api: LabelStudioApi, project_id: int, conditions: Sequence[Condition], fields: TaskFields
) -> Iterator[dict[str, Any]]:
    last = 0
    for page in _pages(api, project_id, conditions, fields):
        for item in page:
            if item["id"] > last:  # a task is listed once for each of its predictions that matches
                last = item["id"]
                yield item


def _pages(
    api: LabelStudioApi, project_id: int, conditions: Sequence[Condition], fields: TaskFields
) -> Iterator[list[dict[str, Any]]]:
    def page(where: Condition, count: int = PAGE, order: str = "tasks:id") -> list[dict[str, Any]]:
        limits = [*conditions, where]
        return list_tasks(
            api, project_id, limits, fields, count=count, timeout_s=_PAGE_TIMEOUT_S, order=order
        )

    first = page(number_is("greater", 0))
    yield first
    if len(first) < PAGE:
        return
    start, width = first[-1]["id"] + 1, PAGE
    end = max((item["id"] for item in page(number_is("greater", start - 1), 1, "-tasks:id")), default=0)
    while start <= end:
        found = page(number_is("in", {"min": start, "max": start + width - 1}))
        yield found
        if len(found) < PAGE:
            start, width = start + width, width * 2
        else:
            start, width = found[-1]["id"] + 1, max(PAGE, width // 2)


def _has_version(listed: str, version: str) -> bool:
    """Whether versions that are joined by commas hold this one; a list that was cut counts as holding it."""
    return len(listed) >= _LONGEST_VERSIONS or version in (name.strip() for name in listed.split(","))
