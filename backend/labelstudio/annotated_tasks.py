"""What annotators submitted in a project, read in bulk.

The Data Manager's list is asked for, page after page of annotated tasks in order of their numbers. It costs
memory for one page here and in Label Studio, and leaves nothing behind: an export, direct or as a snapshot,
stays on the server's disk for ever (measured with 1.23.2), and there would be one for each training.

A page is a window of task numbers. Without it Label Studio counts the predictions and annotations of all
remaining tasks for every page.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from backend.errors import LabelStudioError
from backend.labelstudio.rest import LabelStudioApi
from backend.labelstudio.submissions import AnnotatedTask, annotated_task
from backend.labelstudio.task_listing import Condition, number_is

PAGE = 100
"""Tasks of one request; with many brush regions each is a megabyte."""
_FIELDS = "annotations,was_cancelled,completed_by,updated_at,ground_truth,lead_time,parent_prediction"
_ANNOTATED: Condition = {
    "filter": "filter:tasks:total_annotations",
    "operator": "greater",
    "type": "Number",
    "value": 0,
}
_FIRST_WINDOW = 1000
_TIMEOUT_S = 120.0


class AnnotatedTasks:
    """Reads projects through the API. Safe between threads.

    Args:
        api: Calls as a user who may read the projects.
        content: Whether what was drawn and imported is read; else both are empty, and pages are small.
    """

    def __init__(self, api: LabelStudioApi, *, content: bool = True) -> None:
        self._api = api
        self._fields = f"id,data,meta,{_FIELDS},result" if content else f"id,{_FIELDS}"

    def label_config(self, project_id: int) -> str:
        """The project's labelling config, XML.

        Raises:
            LabelStudioError: Label Studio refused, failed, or cannot be reached.
        """
        answer = self._api.call("GET", f"/api/projects/{project_id}", f"read project {project_id}")
        config = answer.get("label_config") if isinstance(answer, dict) else None
        if not isinstance(config, str):
            raise LabelStudioError(f"Label Studio answered no labelling config for project {project_id}.")
        return config

    def tasks(self, project_id: int) -> Iterator[AnnotatedTask]:
        """The tasks that have an annotation which is not a skip, in order of their numbers.

        Tasks that are annotated for the first time while this runs may be missing.

        Raises:
            LabelStudioError: Label Studio refused, failed, or cannot be reached; after some tasks perhaps.
        """
        ends = [self._page(project_id, None, order) for order in ("tasks:id", "-tasks:id")]
        if not all(ends):
            return
        start, last = ends[0][0].id, ends[1][0].id
        width = _FIRST_WINDOW
        while start <= last:
            page = self._page(project_id, (start, start + width - 1), "tasks:id")
            yield from page
            if len(page) >= PAGE:
                start, width = page[-1].id + 1, max(PAGE, width // 2)
            else:
                start, width = start + width, width * 2

    def _page(self, project_id: int, window: tuple[int, int] | None, order: str) -> list[AnnotatedTask]:
        """Annotated tasks with numbers in the window, both ends included; only the first one without it."""
        conditions = [_ANNOTATED]
        if window is not None:
            conditions.append(number_is("in", {"min": window[0], "max": window[1]}))
        query = {"filters": {"conjunction": "and", "items": conditions}, "ordering": [order]}
        answer = self._api.call(
            "GET",
            "/api/tasks",
            f"list the annotations of project {project_id}",
            timeout_s=_TIMEOUT_S,
            params={
                "project": project_id,
                "page_size": 1 if window is None else PAGE,
                "fields": "all",
                "include": self._fields,
                "resolve_uri": "false",
                "review": "true",  # else a project may be set to call its model for all tasks of the page
                "query": json.dumps(query),
            },
        )
        items = answer.get("tasks") if isinstance(answer, dict) else None
        if not isinstance(items, list):
            raise LabelStudioError(f"Label Studio answered no list of tasks of project {project_id}.")
        return [_task(item) for item in items]


def _task(item: Any) -> AnnotatedTask:
    number = item.get("id") if isinstance(item, dict) else None
    if type(number) is not int or not isinstance(item.get("annotations"), list):
        raise LabelStudioError("Label Studio answered a task without number or annotations.")
    return annotated_task(number, item, item["annotations"])
