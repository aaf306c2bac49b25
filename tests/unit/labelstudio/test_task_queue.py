import json
from typing import Any

import httpx
import pytest

from backend.errors import LabelStudioError
from backend.labelstudio.credentials import LegacyToken
from backend.labelstudio.payloads import Task
from backend.labelstudio.rest import LabelStudioApi
from backend.labelstudio.task_queue import TaskQueue


def queue(answer: httpx.Response | Exception, requests: list[httpx.Request] | None = None) -> TaskQueue:
    def respond(request: httpx.Request) -> httpx.Response:
        if requests is not None:
            requests.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    transport = httpx.MockTransport(respond)
    return TaskQueue(LabelStudioApi("http://ls.example.com", LegacyToken("k" * 40), transport=transport))


def test_the_next_tasks_are_asked_for_with_the_key_in_a_window_of_numbers() -> None:
    requests: list[httpx.Request] = []
    listed = {"total": 9, "tasks": [{"id": 6, "data": {"image": "a.png"}}, {"id": 9, "data": {}}]}
    found = queue(httpx.Response(200, json=listed), requests).after(2, 5, 2)
    assert found == [Task(6, 2, {"image": "a.png"}), Task(9, 2, {})]
    (request,) = requests
    assert request.headers["Authorization"] == "Token " + "k" * 40
    asked = dict(request.url.params)
    query: dict[str, Any] = json.loads(asked.pop("query"))
    assert asked == {
        "project": "2",
        "page_size": "2",
        "fields": "task_only",
        "include": "id,data",
        "resolve_uri": "false",
        "review": "true",
    }
    number, unfinished = query["filters"]["items"]
    assert number["value"] == {"min": 6, "max": 105}
    assert (unfinished["filter"], unfinished["operator"]) == ("filter:tasks:completed_at", "empty")
    assert query["ordering"] == ["tasks:id"]


def test_no_more_tasks_than_wanted_are_returned() -> None:
    listed = {"tasks": [{"id": number, "data": {}} for number in range(6, 20)]}
    assert [task.id for task in queue(httpx.Response(200, json=listed)).after(2, 5, 3)] == [6, 7, 8]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (httpx.Response(403, json={"detail": "no"}), "would not list tasks of project 2: 403: no"),
        (httpx.ConnectError("refused"), "cannot be reached"),
        (httpx.Response(200, text="<html>"), "answered no JSON"),
        (httpx.Response(200, json=[]), "no list of tasks"),
        (httpx.Response(200, json={"tasks": None}), "no list of tasks"),
        (httpx.Response(200, json={"tasks": [7]}), "without number or data"),
        (httpx.Response(200, json={"tasks": [{"id": "7", "data": {}}]}), "without number or data"),
    ],
)
def test_whatever_goes_wrong_is_one_kind_of_error(answer: httpx.Response | Exception, message: str) -> None:
    with pytest.raises(LabelStudioError, match=message):
        queue(answer).after(2, 5, 2)
