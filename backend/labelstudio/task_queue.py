"""Which tasks come next in a project, asked so that it costs Label Studio little.

Only a window of task numbers is searched: without it Label Studio counts predictions and annotations of all
remaining tasks for every answer, seconds in a project with 100,000 of them.
"""

from __future__ import annotations

import json
from typing import Any

import httpx

from backend.errors import LabelStudioError
from backend.labelstudio.credentials import Credentials
from backend.labelstudio.payloads import Task

_WINDOW = 100
_TIMEOUT_S = 10.0


class TaskQueue:
    """Reads the order of work. Safe between threads; each question is a connection of its own.

    Args:
        url: Where this service reaches Label Studio.
        credentials: Of a user who may read the projects.
        transport: Makes the connections; real ones by default.
    """

    def __init__(
        self, url: str, credentials: Credentials, *, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._url = url
        self._credentials = credentials
        self._transport = transport

    def after(self, project_id: int, task_id: int, count: int) -> list[Task]:
        """The next tasks that nobody has finished, in order of their numbers.

        Args:
            project_id: The project.
            task_id: The task before them.
            count: How many at most.

        Raises:
            LabelStudioError: Label Studio refused, failed, or cannot be reached.
        """
        try:
            with httpx.Client(transport=self._transport, timeout=_TIMEOUT_S, trust_env=False) as http:
                answer = http.get(
                    f"{self._url}/api/tasks",
                    params={
                        "project": project_id,
                        "page_size": count,
                        "fields": "task_only",
                        "include": "id,data",
                        "resolve_uri": "false",
                        "query": json.dumps(_query(task_id)),
                    },
                    headers=self._credentials.headers(),
                )
        except httpx.HTTPError as error:
            raise LabelStudioError(
                f"Label Studio at {self._url} cannot be reached for the next tasks: {error}."
            ) from None
        if answer.status_code != 200:
            raise LabelStudioError(
                f"Label Studio at {self._url} answered {answer.status_code} when asked for the next tasks of "
                f"project {project_id}. The user of MASKLOOP_LABEL_STUDIO_API_KEY must be a member.",
                status=answer.status_code,
            )
        return [_task(item, project_id) for item in self._items(answer)][:count]

    def _items(self, answer: httpx.Response) -> list[Any]:
        try:
            items = answer.json()["tasks"]
        except (ValueError, KeyError, TypeError):
            items = None
        if not isinstance(items, list):
            raise LabelStudioError(f"Label Studio at {self._url} answered no list of tasks.")
        return items


def _query(task_id: int) -> dict[str, Any]:
    """The Data Manager's filter: in the window, and not finished."""
    window = {"min": task_id + 1, "max": task_id + _WINDOW}
    return {
        "filters": {
            "conjunction": "and",
            "items": [
                {"filter": "filter:tasks:id", "operator": "in", "type": "Number", "value": window},
                {
                    "filter": "filter:tasks:completed_at",
                    "operator": "empty",
                    "type": "Datetime",
                    "value": True,
                },
            ],
        },
        "ordering": ["tasks:id"],
    }


def _task(item: Any, project_id: int) -> Task:
    number, data = (item.get("id"), item.get("data")) if isinstance(item, dict) else (None, None)
    if type(number) is not int or not isinstance(data, dict):
        raise LabelStudioError("Label Studio answered a task without number or data.")
    return Task(number, project_id, data)
