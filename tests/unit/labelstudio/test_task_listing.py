import json
from typing import Any

import httpx
import pytest

from backend.errors import LabelStudioError
from backend.labelstudio.credentials import LegacyToken
from backend.labelstudio.payloads import Task
from backend.labelstudio.rest import LabelStudioApi
from backend.labelstudio.task_listing import (
    PAGE,
    TaskChoice,
    annotated_tasks,
    chosen_tasks,
    tasks_in_progress,
    tasks_with_version,
)


class Project:
    """Lists its tasks as Label Studio does: filtered by number, cut into pages, repeated by joins."""

    def __init__(self, tasks: list[dict[str, Any]]) -> None:
        self.tasks = tasks
        self.queries: list[dict[str, str]] = []

    @property
    def api(self) -> LabelStudioApi:
        transport = httpx.MockTransport(self._answer)
        return LabelStudioApi("http://ls.example.com", LegacyToken("k"), transport=transport)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.queries.append(dict(request.url.params))
        query = json.loads(self.queries[-1]["query"])
        limits = [item["value"] for item in query["filters"]["items"] if item["filter"] == "filter:tasks:id"]
        rest = [task for task in self.tasks if all(self._within(task["id"], limit) for limit in limits)]
        rest.sort(key=lambda task: task["id"], reverse=query["ordering"] == ["-tasks:id"])
        return httpx.Response(200, json={"tasks": rest[: int(self.queries[-1]["page_size"])]})

    @staticmethod
    def _within(number: Any, limit: Any) -> bool:
        return bool(limit["min"] <= number <= limit["max"] if isinstance(limit, dict) else number > limit)

    def conditions(self) -> list[tuple[str, str, Any]]:
        """Of the first list but for the last, which is that of the page."""
        items = json.loads(self.queries[0]["query"])["filters"]["items"]
        return [(item["filter"], item["operator"], item["value"]) for item in items[:-1]]


def tasks(*numbers: int, **fields: Any) -> list[dict[str, Any]]:
    return [{"id": number, "data": {"image": f"{number}.png"}, **fields} for number in numbers]


def test_all_tasks_are_listed_page_after_page() -> None:
    project = Project(tasks(*range(1, 2 * PAGE + 2)))
    found = list(chosen_tasks(project.api, 3, TaskChoice()))
    assert [task.id for task in found] == list(range(1, 2 * PAGE + 2))
    assert found[4] == Task(5, 3, {"image": "5.png"})
    assert len(project.queries) == 4  # the first page, the last number, two windows
    assert project.conditions() == []


def test_gaps_among_the_numbers_are_passed_in_growing_steps() -> None:
    numbers = [*range(1, PAGE + 1), 40 * PAGE, *range(40 * PAGE + 7, 42 * PAGE)]
    project = Project(tasks(*numbers))
    assert [task.id for task in chosen_tasks(project.api, 3, TaskChoice())] == numbers
    assert len(project.queries) < 15


def test_a_listing_costs_label_studio_no_predictions_and_calls_no_model() -> None:
    project = Project(tasks(1))
    list(chosen_tasks(project.api, 3, TaskChoice()))
    (query,) = project.queries
    assert (query["fields"], query["include"], query["review"]) == ("task_only", "id,data,meta", "true")


def test_only_tasks_that_need_annotations_are_listed_if_wanted() -> None:
    project = Project(tasks(1))
    list(chosen_tasks(project.api, 3, TaskChoice(unfinished=True)))
    assert project.conditions() == [("filter:tasks:completed_at", "empty", True)]


def test_annotated_tasks_and_tasks_with_a_draft_are_asked_for() -> None:
    project = Project(tasks(4, meta={"sequence": "a"}))
    assert list(annotated_tasks(project.api, 3)) == [Task(4, 3, {"image": "4.png"}, meta={"sequence": "a"})]
    assert project.conditions() == [("filter:tasks:total_annotations", "greater", 0)]
    project.queries.clear()
    assert tasks_in_progress(project.api, 3) == {4}
    assert project.conditions() == [
        ("filter:tasks:completed_at", "empty", True),
        ("filter:tasks:draft_exists", "equal", True),
    ]


def test_tasks_are_chosen_by_number_within_the_window_that_holds_them() -> None:
    project = Project(tasks(4, 5, 6, 9))
    choice = TaskChoice(numbers=frozenset({9, 4, 6}))
    assert [task.id for task in chosen_tasks(project.api, 3, choice)] == [4, 6, 9]
    assert project.conditions() == [("filter:tasks:id", "in", {"min": 4, "max": 9})]


def test_choosing_no_task_asks_for_none() -> None:
    project = Project(tasks(1))
    assert list(chosen_tasks(project.api, 3, TaskChoice(numbers=frozenset()))) == []
    assert project.queries == []


def test_tasks_with_a_version_have_exactly_that_version() -> None:
    versions = {1: "unet-1", 2: "unet-10", 3: "otsu-1, unet-1", 4: "otsu-1,unet-1", 5: "x" * 500}
    project = Project([{"id": key, "predictions_model_versions": value} for key, value in versions.items()])
    assert tasks_with_version(project.api, 3, "unet-1") == {1, 3, 4, 5}
    assert project.conditions() == [("filter:tasks:predictions_model_versions", "contains", ["unet-1"])]


def test_a_task_that_is_listed_once_for_each_prediction_is_one_task() -> None:
    repeated = tasks(1, 1, 2, 2)
    assert [task.id for task in chosen_tasks(Project(repeated).api, 3, TaskChoice())] == [1, 2]


@pytest.mark.parametrize(
    "listed", [[7], [{"id": "7", "data": {}}], [{"data": {}}], [{"id": 7, "data": None}]]
)
def test_what_is_no_task_is_an_error(listed: list[Any]) -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json={"tasks": listed}))
    api = LabelStudioApi("http://ls.example.com", LegacyToken("k"), transport=transport)
    with pytest.raises(LabelStudioError, match="without number or data"):
        list(chosen_tasks(api, 3, TaskChoice()))
