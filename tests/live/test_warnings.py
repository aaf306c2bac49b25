"""Somebody submits a doubtful annotation: it is seen on the task and in the tab, until it is corrected."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import expect

from backend.labelstudio import rle
from backend.labelstudio.client import LabelStudioClient
from backend.labelstudio.task_reports import FIELD, KEY, TAB
from backend.services.connection import Connection, connect
from scripts.backend_server import BackendServer
from scripts.label_studio_rest import LabelStudioRest
from tests.live.commands import run_command
from tests.live.conftest import ROOT
from tests.live.pictures import percent, two_objects
from tests.live.projects import LABEL, LiveTask, config_for
from tests.live.stained_tiles import stained_tiles
from tests.live.ui import LabellingPage

_SENTENCE = f'<Text name="warning" value="${FIELD}"/>'
_PATIENCE_S = 120.0
TEMPLATES = ROOT / "scripts" / "templates"
_CROSSING = "The polygon crosses itself once."

Corners = Sequence[tuple[float, float]]


def round_outline(x: float, y: float, radius_x: float, radius_y: float) -> Corners:
    """Corners of a good outline, in percent."""
    angles = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    return [(x + radius_x * np.cos(angle), y + radius_y * np.sin(angle)) for angle in angles]


CROSSED = [percent(row, column) for row, column in ((60, 40), (180, 140), (180, 40), (60, 140))]
CORRECTED = round_outline(32, 50, 18, 25)
"""About the left object of `two_objects`."""


@pytest.fixture
def tasks(rest: LabelStudioRest, client: LabelStudioClient, backend: BackendServer) -> list[LiveTask]:
    """Two tasks; the config shows warnings since their pictures were uploaded."""
    config = config_for("polygon")
    project = rest.create_project("warnings", config)
    connect(client, Connection(project, backend.url))
    pictures = two_objects(), stained_tiles()[6]
    made = [LiveTask(project, rest.upload(project, each.name, each.content), each) for each in pictures]
    shown = config.replace("<View>", f"<View>{_SENTENCE}")
    rest.call(
        "PATCH",
        f"/api/projects/{project}/",
        json={"label_config": shown, "show_collab_predictions": False},
    )
    return made


def draw(ui: LabellingPage, corners: Corners) -> None:
    """Draw a polygon and close it."""
    ui.choose_label(LABEL, "out")
    for corner in (*corners, corners[0]):
        ui.click(*corner)
        ui.wait_for_frames(6)
    ui.wait_for_regions(1)


def report(rest: LabelStudioRest, task: LiveTask) -> Any:
    return rest.task(task.task)["meta"].get(KEY)


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def tabs(rest: LabelStudioRest, project: int) -> list[tuple[str, int]]:
    """Titles and numbers of the project's tabs."""
    views = rest.call("GET", "/api/dm/views/", params={"project": project})
    return [(view["data"]["title"], int(view["id"])) for view in views]


def tab_of(rest: LabelStudioRest, project: int) -> int:
    """Number of the project's tab of warnings."""
    (number,) = (number for title, number in tabs(rest, project) if title == TAB)
    return number


def open_tab(ui: LabellingPage, rest: LabelStudioRest, project: int) -> None:
    """Open the project's tab of warnings."""
    ui.page.goto(f"{rest.url}/projects/{project}/data?tab={tab_of(rest, project)}")
    expect(ui.page.get_by_text(TAB, exact=True).first).to_be_visible()


@pytest.mark.timeout(600)
def test_a_doubtful_annotation_is_seen_on_the_task_and_in_the_tab_until_it_is_corrected(
    ui: LabellingPage, rest: LabelStudioRest, tasks: list[LiveTask]
) -> None:
    bad, good = tasks
    ui.open_task(good, row=1)
    draw(ui, round_outline(50, 50, 25, 25))
    ui.submit()
    ui.open_task(bad)
    draw(ui, CROSSED)
    ui.submit()
    eventually(lambda: report(rest, bad) is not None)
    issues = {issue["rule"]: issue["message"] for issue in report(rest, bad)["issues"]}
    assert issues["bad-outline"] == _CROSSING
    assert report(rest, good) is None
    sentence = rest.task(bad.task)["data"][FIELD]

    ui.open_task(bad)
    shown = ui.page.locator(".lsf-richtext__line")
    expect(shown).to_have_text(sentence)
    ui.screenshot("warning-on-the-task")
    ui.open_task(good, row=1)
    expect(shown.filter(has_text=sentence)).to_have_count(0)

    eventually(lambda: TAB in dict(tabs(rest, bad.project)))
    open_tab(ui, rest, bad.project)
    rows = ui.page.locator("[class*=row-wrapper]")
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text(sentence)
    ui.screenshot("warning-in-the-tab")

    ui.open_task(bad)
    annotations_before = rest.task(bad.task)["annotations"]
    ui.delete_region(0)
    draw(ui, CORRECTED)
    ui.submit()
    eventually(lambda: report(rest, bad) is None)
    assert rest.task(bad.task)["data"][FIELD] == ""
    assert [each["id"] for each in rest.task(bad.task)["annotations"]] == [
        each["id"] for each in annotations_before
    ]
    open_tab(ui, rest, bad.project)
    expect(rows).to_have_count(0)
    ui.screenshot("no-warning-in-the-tab")


@pytest.fixture
def inspect(backend: BackendServer) -> Callable[..., str]:
    """Runs the command and returns what it says."""

    def run(project: int, *arguments: str) -> str:
        return run_command(
            "inspect_annotations",
            f"--project={project}",
            *arguments,
            LABEL_STUDIO_URL=backend.environment["MASKLOOP_LABEL_STUDIO_URL"],
            STATE_DIR=backend.environment["MASKLOOP_STATE_DIR"],
        )

    return run


def listed(rest: LabelStudioRest, project: int) -> list[int]:
    """Numbers of the tasks in the tab of warnings, in its order."""
    query = {"project": project, "view": tab_of(rest, project), "fields": "task_only", "include": "id"}
    return [each["id"] for each in rest.call("GET", "/api/tasks", params=query)["tasks"]]


@pytest.mark.parametrize("shown", [True, False])
def test_the_command_warns_about_what_was_there_before_and_people_can_accept_it(
    ui: LabellingPage,
    rest: LabelStudioRest,
    inspect: Callable[..., str],
    tmp_path: Path,
    shown: bool,
) -> None:
    config = (TEMPLATES / "warnings.xml").read_text(encoding="utf-8")
    bare = config.replace(f"${FIELD}", "$image")
    project = rest.create_project(f"inspected {shown}", bare)
    tiles = stained_tiles()[:3]
    numbers = [rest.upload(project, tile.name, tile.content) for tile in tiles]
    if shown:
        rest.call("PATCH", f"/api/projects/{project}/", json={"label_config": config})
    labels = dict(zip(numbers, ([LABEL], ["Gone"], []), strict=True))
    annotations = {number: annotate(rest, number, labels[number]) for number in numbers}
    page = tmp_path / "page.html"

    said = inspect(project, "--rules", "missing-label", "--review", "--html", str(page))
    assert "Tasks with a warning: 2 of 3." in said
    assert "Predictions to be reviewed: 2 of version inspect-1, imported now: 2." in said
    assert page.read_text(encoding="utf-8").count("<article>") == 2
    assert listed(rest, project) == sorted(numbers[1:], reverse=shown), "the worst first, or in order"
    open_tab(ui, rest, project)
    expect(ui.page.locator("[class*=row-wrapper]")).to_have_count(2)
    ui.screenshot(f"warnings-of-a-project-{shown}")
    assert rest.call("GET", f"/api/projects/{project}")["model_version"] in ("", None)

    tick = {"id": "tick", "from_name": "maskloop_accepted", "to_name": "image", "type": "choices"}
    result = [*annotations[numbers[2]]["result"], {**tick, "value": {"choices": ["Accept it as it is"]}}]
    rest.call("PATCH", f"/api/annotations/{annotations[numbers[2]]['id']}/", json={"result": result})
    inspect(project, "--rules", "missing-label", "--dismiss", f"{numbers[1]}:missing-label")
    assert "Tasks with a warning: 0 of 3." in inspect(project, "--rules", "missing-label", "--review")
    assert listed(rest, project) == []
    inspect(project, "--clear")
    assert [title for title, _ in tabs(rest, project)] == ["Default"]


def annotate(rest: LabelStudioRest, task: int, labels: list[str]) -> dict[str, Any]:
    """Submit a disc with labels."""
    rows, columns = np.mgrid[:128, :128]
    mask = np.hypot(rows - 64, columns - 64) < 40
    item = {
        "id": "disc",
        "from_name": "masks",
        "to_name": "image",
        "type": "brushlabels",
        "original_width": 128,
        "original_height": 128,
        "value": {"format": "rle", "rle": rle.encode(mask), "brushlabels": labels},
    }
    body = {"result": [item], "lead_time": 20}
    return dict(rest.call("POST", f"/api/tasks/{task}/annotations/", json=body))
