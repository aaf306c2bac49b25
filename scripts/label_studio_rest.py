"""The few REST calls that the demo and the live tests make themselves.

The SDK returns nothing where these need the answer (uploads with task numbers, smart clicks), and its task
listing fetches everything. Commands for users go through `backend.labelstudio.client`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from backend.errors import LabelStudioError

_TIMEOUT_S = 120.0  # Label Studio itself waits 100 s for a model


@dataclass(frozen=True)
class LabelStudioRest:
    """A Label Studio, used with a legacy token. Safe between threads.

    Attributes:
        url: Its address.
        api_key: The token.
    """

    url: str
    api_key: str

    def call(self, method: str, path: str, **arguments: Any) -> Any:
        """Make one call and return the JSON answer, None if it is empty.

        Args:
            method: HTTP method.
            path: Path and query.
            arguments: As for `httpx.request`: `json`, `files`, `params`.

        Raises:
            LabelStudioError: It cannot be reached, or it answers with an error status.
        """
        try:
            answer = httpx.request(
                method,
                f"{self.url}{path}",
                headers={"Authorization": f"Token {self.api_key}"},
                timeout=_TIMEOUT_S,
                trust_env=False,
                **arguments,
            )
        except httpx.HTTPError as error:
            raise LabelStudioError(f"{method} {path} got no answer from {self.url}: {error}.") from error
        if not answer.is_success:
            raise LabelStudioError(
                f"{method} {path}: {answer.status_code} {answer.text[:500]}", status=answer.status_code
            )
        return answer.json() if answer.content else None

    def create_project(self, title: str, label_config: str) -> int:
        """Create a project and return its number."""
        answer = self.call("POST", "/api/projects", json={"title": title, "label_config": label_config})
        return int(answer["id"])

    def upload(self, project: int, name: str, content: bytes) -> int:
        """Upload one picture and return the number of its task."""
        path = f"/api/projects/{project}/import?return_task_ids=true"
        return int(self.call("POST", path, files={"file": (name, content)})["task_ids"][0])

    def task_ids(self, project: int) -> list[int]:
        """Numbers of the project's tasks, ascending."""
        query = {"project": project, "fields": "task_only", "include": "id", "page_size": 1000}
        tasks = self.call("GET", "/api/tasks", params=query)["tasks"]
        return sorted(int(task["id"]) for task in tasks)

    def task(self, task: int) -> dict[str, Any]:
        """A task with predictions and annotations; like opening it, this asks the model for missing ones."""
        return dict(self.call("GET", f"/api/tasks/{task}"))

    def retrieve_predictions(self, project: int, task: int) -> None:
        """Ask the project's model for a task's prediction, as the Data Manager's action does."""
        query = {"id": "retrieve_tasks_predictions", "project": project}
        chosen = {"selectedItems": {"all": False, "included": [task]}}
        self.call("POST", "/api/dm/actions", params=query, json=chosen)

    def models(self, project: int) -> list[dict[str, Any]]:
        """The project's models, as Label Studio describes them."""
        return list(self.call("GET", "/api/ml", params={"project": project}))

    def smart_click(self, model: int, task: int, prompts: list[Mapping[str, Any]]) -> dict[str, Any]:
        """Send prompts to a model, as the editor does.

        Args:
            model: Number of the model.
            task: Number of the task.
            prompts: Result items of points or rectangles.

        Returns:
            `{"data": {"result": [...], ...}}` or `{"errors": [...]}`.
        """
        body = {"task": task, "context": {"result": prompts}}
        return dict(self.call("POST", f"/api/ml/{model}/interactive-annotating", json=body))
