import json
from typing import Any

import httpx
import pytest

from backend.errors import LabelStudioError
from backend.labelstudio.credentials import LegacyToken
from backend.labelstudio.rest import LabelStudioApi
from backend.labelstudio.stored_predictions import StoredPredictions


def stored(
    *answers: httpx.Response, requests: list[httpx.Request] | None = None, max_call_bytes: int = 2**20
) -> StoredPredictions:
    waiting = iter(answers)

    def respond(request: httpx.Request) -> httpx.Response:
        if requests is not None:
            requests.append(request)
        return next(waiting)

    transport = httpx.MockTransport(respond)
    api = LabelStudioApi("http://ls.example.com", LegacyToken("k"), transport=transport)
    return StoredPredictions(api, max_call_bytes=max_call_bytes)


def prediction(task: int) -> dict[str, Any]:
    return {"task": task, "result": [], "score": 0.5, "model_version": "v"}


def test_predictions_are_imported_in_one_call() -> None:
    requests: list[httpx.Request] = []
    answer = httpx.Response(201, json={"created": 3})
    assert stored(answer, requests=requests).add(7, map(prediction, (1, 2, 3))) == 3
    (request,) = requests
    assert (request.method, request.url.path) == ("POST", "/api/projects/7/import/predictions")
    assert json.loads(request.content) == [prediction(1), prediction(2), prediction(3)]


def test_a_call_is_never_larger_than_allowed_but_for_a_single_prediction() -> None:
    requests: list[httpx.Request] = []
    answers = [httpx.Response(201, json={"created": count}) for count in (2, 1, 1)]
    large = prediction(4) | {"result": [{"id": "x" * 500}]}
    added = stored(*answers, requests=requests, max_call_bytes=140)
    assert added.add(7, [prediction(1), prediction(2), prediction(3), large]) == 4
    sent = [[item["task"] for item in json.loads(request.content)] for request in requests]
    assert sent == [[1, 2], [3], [4]]
    assert all(len(request.content) <= 140 for request in requests[:-1])


def test_importing_nothing_makes_no_call() -> None:
    assert stored().add(7, []) == 0


def test_an_answer_without_a_number_is_an_error() -> None:
    with pytest.raises(LabelStudioError, match="did not say how much it stored"):
        stored(httpx.Response(201, json={})).add(7, [prediction(1)])


def test_versions_are_counted() -> None:
    assert stored(httpx.Response(200, json={"v": 3, "w": 0})).versions(7) == {"v": 3, "w": 0}


def test_versions_that_are_no_numbers_are_an_error() -> None:
    with pytest.raises(LabelStudioError, match="something else"):
        stored(httpx.Response(200, json=["v"])).versions(7)


def test_a_version_is_deleted_by_name() -> None:
    requests: list[httpx.Request] = []
    stored(httpx.Response(200, json=5), requests=requests).delete(7, "v")
    (request,) = requests
    assert (request.method, request.url.path) == ("DELETE", "/api/projects/7/model-versions/")
    assert json.loads(request.content) == {"model_version": "v"}
