from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.errors import LabelStudioError
from backend.labelstudio.annotated_tasks import PAGE, AnnotatedTasks
from backend.labelstudio.credentials import LegacyToken
from backend.labelstudio.rest import LabelStudioApi
from backend.labelstudio.submissions import annotated_task

ANNOTATION = {
    "id": 5,
    "completed_by": 3,
    "updated_at": "2026-11-21T00:04:08.785671Z",
    "ground_truth": True,
    "was_cancelled": False,
    "result": [{"id": "r"}],
}


def reader(respond: Callable[[httpx.Request], httpx.Response]) -> AnnotatedTasks:
    transport = httpx.MockTransport(respond)
    return AnnotatedTasks(LabelStudioApi("http://ls.example.com", LegacyToken("k" * 40), transport=transport))


def listing(numbers: Sequence[int], asked: list[dict[str, str]]) -> Callable[[httpx.Request], httpx.Response]:
    """A Label Studio that has annotated tasks with these ascending numbers."""

    def respond(request: httpx.Request) -> httpx.Response:
        params = dict(request.url.params)
        asked.append(params)
        query = json.loads(params["query"])
        annotated, *window = query["filters"]["items"]
        assert (annotated["filter"], annotated["value"]) == ("filter:tasks:total_annotations", 0)
        limits = window[0]["value"] if window else {"min": 0, "max": 10**9}
        within = numbers[bisect_left(numbers, limits["min"]) : bisect_right(numbers, limits["max"])]
        size = int(params["page_size"])
        page = within[: -size - 1 : -1] if query["ordering"] == ["-tasks:id"] else within[:size]
        tasks = [{"id": n, "data": {"image": f"{n}.png"}, "meta": {}, "annotations": []} for n in page]
        return httpx.Response(200, json={"total": len(numbers), "tasks": tasks})

    return respond


@pytest.mark.parametrize(
    "numbers",
    [
        [],
        [1],
        [7, 8, 9],
        list(range(1, 1000)),
        list(range(5_000_000, 5_000_000 + 3 * PAGE)),
        [3, 90_000, 2_000_000, *range(3_000_000, 3_000_450, 2)],
    ],
)
def test_every_annotated_task_is_read_once_and_in_order(numbers: list[int]) -> None:
    asked: list[dict[str, str]] = []
    found = [task.id for task in reader(listing(numbers, asked)).tasks(2)]
    assert found == sorted(numbers)
    assert len(asked) <= 2 * len(numbers) / PAGE + 20


@settings(max_examples=30)
@given(st.sets(st.integers(1, 20_000), max_size=300))
def test_gaps_between_numbers_lose_nothing(numbers: set[int]) -> None:
    found = [task.id for task in reader(listing(sorted(numbers), [])).tasks(2)]
    assert found == sorted(numbers)


def test_a_hundred_thousand_tasks_take_about_a_thousand_requests() -> None:
    asked: list[dict[str, str]] = []
    assert sum(1 for _ in reader(listing(range(1, 100_001), asked)).tasks(2)) == 100_000
    assert len(asked) < 1100


def test_only_what_is_needed_is_asked_for() -> None:
    asked: list[dict[str, str]] = []
    list(reader(listing([4], asked)).tasks(2))
    sent = asked[-1]
    assert sent["project"] == "2"
    assert (sent["fields"], sent["resolve_uri"], sent["review"]) == ("all", "false", "true")
    assert sent["include"].split(",")[:4] == ["id", "data", "meta", "annotations"]
    assert "predictions" not in sent["include"]


def test_an_annotation_is_read_with_what_counts() -> None:
    task = annotated_task(4, {"data": {"image": "a"}, "meta": None}, [ANNOTATION, {"id": "x"}, 7])
    (found,) = task.annotations
    assert (found.id, found.annotator, found.ground_truth, found.cancelled) == (5, 3, True, False)
    assert found.result == [{"id": "r"}]
    assert found.updated_at == pytest.approx(1795219448.785671)
    assert (task.data, task.meta) == ({"image": "a"}, {})


@pytest.mark.parametrize("updated", [None, "yesterday", 5, "9999999-01-01"])
def test_annotations_without_a_moment_come_first(updated: Any) -> None:
    undated = {**ANNOTATION, "id": 9, "updated_at": updated, "completed_by": {"id": 3}, "result": None}
    task = annotated_task(4, {}, [ANNOTATION, undated])
    assert [each.id for each in task.annotations] == [9, 5]
    assert (task.annotations[0].annotator, task.annotations[0].result) == (None, [])


def test_moments_are_compared_as_moments() -> None:
    early, late = "2026-11-21T00:04:08Z", "2026-11-21T00:04:08.500000Z"
    annotations = [{**ANNOTATION, "id": 1, "updated_at": late}, {**ANNOTATION, "id": 2, "updated_at": early}]
    assert [each.id for each in annotated_task(4, {}, annotations).annotations] == [2, 1]


def test_the_labelling_config_is_read() -> None:
    read = reader(
        lambda request: httpx.Response(200, json={"label_config": f"<View>{request.url.path}</View>"})
    )
    assert read.label_config(7) == "<View>/api/projects/7</View>"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (httpx.Response(403, json={"detail": "no"}), "403: no"),
        (httpx.Response(200, text="<html>"), "no JSON"),
        (httpx.Response(200, json=[]), "answered no l"),
        (httpx.Response(200, json={"tasks": 5}), "answered no l"),
    ],
)
def test_whatever_goes_wrong_is_one_kind_of_error(answer: httpx.Response, message: str) -> None:
    read = reader(lambda _: answer)
    with pytest.raises(LabelStudioError, match=message):
        list(read.tasks(2))
    with pytest.raises(LabelStudioError, match=message):
        read.label_config(2)


@pytest.mark.parametrize("task", [7, {"id": "4", "annotations": []}, {"id": 4, "annotations": None}])
def test_a_task_without_number_or_annotations_is_an_error(task: Any) -> None:
    with pytest.raises(LabelStudioError, match="without number or annotations"):
        list(reader(lambda _: httpx.Response(200, json={"tasks": [task]})).tasks(2))
