"""What is said about a task is written beside what others wrote there, and taken away without a trace."""

from __future__ import annotations

import json
from typing import Any

import pytest

from backend.labelstudio.payloads import Task
from backend.labelstudio.task_reports import (
    FIELD,
    KEY,
    TAB,
    delete_warnings_tab,
    make_report,
    put_warnings_tab,
    reported_tasks,
    shows_warnings,
    warning_text,
    write_report,
)
from backend.services.bulk_prelabelling import task_digest
from tests.fakes.bulk_label_studio import BulkLabelStudio
from tests.fakes.requests import CONFIG


def issue(severity: float = 0.75, message: str = "Two small holes inside the object.") -> dict[str, Any]:
    return {
        "annotation": 4,
        "image": "image",
        "rule": "holes",
        "severity": severity,
        "message": message,
        "region_ids": ["r1"],
        "box": [1, 2, 3, 4],
    }


def report(*issues: dict[str, Any], at: str = "2026-11-22T01:00:00Z") -> dict[str, Any]:
    return make_report(0.8, issues or [issue()], version="unet-p1-2", at=at)


@pytest.fixture
def studio() -> BulkLabelStudio:
    return BulkLabelStudio(
        CONFIG, {5: {"image": "a.png", "title": "A"}, 6: {"image": "b.png"}}, meta={5: {"x": 1}}
    )


def test_foreign_meta_and_data_stay(studio: BulkLabelStudio) -> None:
    assert write_report(studio.api, 1, 5, report(), "0.80 Two small holes inside the object.")
    assert studio.meta[5] == {"x": 1, KEY: report()}
    assert studio.tasks[5] == {
        "image": "a.png",
        "title": "A",
        FIELD: "0.80 Two small holes inside the object.",
    }
    assert write_report(studio.api, 1, 5, None, "")
    assert studio.meta[5] == {"x": 1}
    assert studio.tasks[5] == {"image": "a.png", "title": "A", FIELD: ""}


def test_nothing_is_written_twice(studio: BulkLabelStudio) -> None:
    write_report(studio.api, 1, 5, report(), "0.80 x")
    assert not write_report(studio.api, 1, 5, report(at="2027-01-01T00:00:00Z"), "0.80 x")
    assert not write_report(studio.api, 1, 6, None, "")
    assert studio.writes == ["PATCH /api/tasks/5"]


def test_without_a_place_for_the_sentence_the_data_stay_as_they_are(studio: BulkLabelStudio) -> None:
    write_report(studio.api, 1, 5, report(), "")
    assert studio.tasks[5] == {"image": "a.png", "title": "A"}


def test_a_task_that_is_gone_needs_no_report(studio: BulkLabelStudio) -> None:
    assert not write_report(studio.api, 1, 99, report(), "0.80 x")
    assert studio.writes == []


def test_a_report_is_small_and_says_how_much_it_leaves_out() -> None:
    issues = [issue(0.9 - place / 1000, "x" * 199 + ".") for place in range(300)]
    made = report(*issues)
    assert len(json.dumps(made)) <= 4096
    assert made["count"] == 300
    assert made["issues"] == issues[: len(made["issues"])]
    assert len(made["issues"]) >= 10


def test_sentences_sort_as_severities_do_and_name_the_worst_first() -> None:
    assert warning_text(0.123, [issue()]) == "0.12 Two small holes inside the object."
    assert warning_text(1.0, [issue(message="One."), issue()]) == "0.99 One. (+1 more)"
    assert warning_text(0.9, []) == ""
    longest = warning_text(0.9, [issue(message="x" * 2000), issue()])
    assert len(longest) == 300 and longest.endswith("x (+1 more)")


def test_tasks_with_a_report_or_a_sentence_are_found(studio: BulkLabelStudio) -> None:
    assert reported_tasks(studio.api, 1) == {}
    studio.meta[5][KEY] = report()
    studio.tasks[6][FIELD] = "0.80 x"
    assert sorted(reported_tasks(studio.api, 1)) == [5, 6]


def test_the_tab_shows_the_worst_first_where_the_sentence_is_shown(studio: BulkLabelStudio) -> None:
    put_warnings_tab(studio.api, 1, with_text=True)
    (tab,) = (each for each in studio.tabs.values() if each["title"] == TAB)
    assert tab["ordering"] == [f"-tasks:data.{FIELD}"]
    assert tab["columnsWidth"] == {f"tasks:data.{FIELD}": 420}
    assert [each["filter"] for each in tab["filters"]["items"]] == [f"filter:tasks:data.{FIELD}"]
    before = len(studio.writes)
    put_warnings_tab(studio.api, 1, with_text=True)
    assert len(studio.writes) == before
    put_warnings_tab(studio.api, 1, with_text=False)
    (tab,) = (each for each in studio.tabs.values() if each["title"] == TAB)
    assert [each["filter"] for each in tab["filters"]["items"]] == ["filter:tasks:meta"]
    delete_warnings_tab(studio.api, 1)
    assert [each["title"] for each in studio.tabs.values()] == ["Default"]


@pytest.mark.parametrize(
    ("tag", "shown"),
    [
        (f'<Text name="w" value="${FIELD}"/>', True),
        (f'<Header value="W: ${FIELD}!"/>', True),
        (f'<Text name="w" value="${FIELD}s"/>', False),
        ('<Text name="w" value="$warning"/>', False),
    ],
)
def test_the_config_says_whether_people_see_the_sentence(tag: str, shown: bool) -> None:
    assert shows_warnings(f"<View>{tag}</View>") is shown


def test_warnings_do_not_make_pre_labels_out_of_date() -> None:
    bare, warned = (Task(5, 1, {"image": "a.png"} | more) for more in ({}, {FIELD: "0.80 x"}))
    assert task_digest(bare) == task_digest(warned)
