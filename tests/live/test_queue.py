"""Label Studio asks every task in the order of the queue, whoever asks, and as before when that is over."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pytest

from backend.services.queue_following import TAB
from backend.state.active_versions import ActiveVersions
from backend.state.database import open_database
from backend.state.model_store import ModelStore
from backend.state.queue_rounds import QueueRounds
from models.label_schema import LabelSchema
from scripts.label_studio_rest import LabelStudioRest
from scripts.label_studio_server import API_KEY, LabelStudioServer
from tests.fakes.random_unet import write_random_unet
from tests.fakes.requests import coins_picture
from tests.fakes.versions import facts
from tests.live.commands import run_command
from tests.live.projects import LABEL, config_for

N_TASKS, N_PICTURES = 200, 20
FIRST, SECOND = 90, 70
"""Tasks that are annotated before the next version, and before everything is put back."""


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def select(label_studio: LabelStudioServer, state_dir: Path) -> Callable[..., str]:
    """Runs the command and returns what it says."""

    def run(project: int, *arguments: str) -> str:
        return run_command(
            "select_tasks",
            f"--project={project}",
            *arguments,
            LABEL_STUDIO_URL=label_studio.url,
            LOCAL_FILES_ROOT=label_studio.files_root,
            STATE_DIR=state_dir,
        )

    return run


@pytest.fixture
def annotators(rest: LabelStudioRest) -> Iterator[tuple[httpx.Client, httpx.Client]]:
    """The administrator, and a colleague who came by invitation; hundreds of calls share a client."""
    clients = []
    for token in (API_KEY, _invited(rest)):
        # Label Studio's own server answers 40 ms later on a kept connection.
        limits = httpx.Limits(max_keepalive_connections=0)
        headers = {"Authorization": f"Token {token}"}
        clients.append(
            httpx.Client(base_url=rest.url, headers=headers, trust_env=False, limits=limits, timeout=60)
        )
    with clients[0], clients[1]:
        yield clients[0], clients[1]


def _invited(rest: LabelStudioRest) -> str:
    """The key of a new annotator."""
    page = f"{rest.url}{rest.call('GET', '/api/invite')['invite_url']}"
    with httpx.Client(trust_env=False, follow_redirects=True, base_url=rest.url, timeout=60) as browser:
        form = browser.get(page).text
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form)
        assert found is not None
        account = {"email": "colleague@example.com", "password": "maskloop-colleague"}
        browser.post(
            page, data={**account, "csrfmiddlewaretoken": found[1]}, headers={"Referer": page}
        ).raise_for_status()
        return str(browser.get("/api/current-user/token").raise_for_status().json()["token"])


@pytest.mark.timeout(1500)
def test_two_annotators_are_asked_in_the_order_of_the_queue_after_a_training_and_after_its_end(
    rest: LabelStudioRest,
    annotators: tuple[httpx.Client, httpx.Client],
    label_studio: LabelStudioServer,
    select: Callable[..., str],
    state_dir: Path,
    tmp_path: Path,
) -> None:
    project = rest.create_project("queue", config_for("brush"))
    everything = fill(rest, project, label_studio.files_root)
    drafted = everything[17]
    rest.call("POST", f"/api/tasks/{drafted}/drafts", json={"result": [], "lead_time": 1})
    rest.call("PATCH", f"/api/projects/{project}/", json={"sampling": "Uniform sampling"})
    before = settings_of(rest, project)

    said = select(project, "--budget", "20")
    assert f"{N_TASKS - 1} to be ordered, 1 with a draft are left alone, 0 are annotated" in said
    order = stored_order(state_dir, project)
    assert sorted(order) == [number for number in everything if number != drafted]
    assert order != sorted(order)
    settled = settings_of(rest, project)
    assert "Nothing has changed since round 1." in select(project, "--budget", "20")
    assert settings_of(rest, project) == settled
    assert asked(project, annotators, FIRST) == order[:FIRST]
    assert listed(rest, project) == order[FIRST:]

    version = train(state_dir, project, tmp_path)
    select(project, "--selector", "selective-entropy")
    assert settings_of(rest, project)["model_version"].startswith(f"{version}.q")
    order = stored_order(state_dir, project)
    assert sorted(order) == sorted(set(everything) - annotated(rest, project) - {drafted})
    assert asked(project, annotators[::-1], SECOND) == order[:SECOND]

    select(project, "--restore")
    assert settings_of(rest, project) == before
    assert [tab["data"]["title"] for tab in tabs(rest, project)] == ["Default"]
    rest.call("PATCH", f"/api/projects/{project}/", json={"sampling": "Sequential sampling"})
    left = sorted(set(everything) - annotated(rest, project))
    assert len(left) == N_TASKS - FIRST - SECOND
    assert asked(project, annotators, len(left)) == left


def fill(rest: LabelStudioRest, project: int, files_root: Path) -> list[int]:
    """Import tasks with small pictures of a folder that Label Studio and the service share."""
    folder = files_root / "queue"
    folder.mkdir(parents=True)
    for number in range(N_PICTURES):
        picture = np.roll(coins_picture(600, 800, seed=number), 37 * number, axis=1)
        cv2.imwrite(str(folder / f"{number}.png"), cv2.resize(picture, (120, 90)))
    tasks = [
        {"data": {"image": f"/data/local-files/?d=queue/{number % N_PICTURES}.png"}}
        for number in range(N_TASKS)
    ]
    answer = rest.call("POST", f"/api/projects/{project}/import?return_task_ids=true", json=tasks)
    return sorted(int(number) for number in answer["task_ids"])


def asked(project: int, annotators: tuple[httpx.Client, ...], count: int) -> list[int]:
    """Let two people take turns, each with a task open while the other one asks; returns what they got."""
    found: list[int] = []
    open_tasks: dict[int, int] = {}
    while len(found) < count:
        for turn, annotator in enumerate(annotators):
            if turn in open_tasks:
                submit(annotator, open_tasks.pop(turn))
            if len(found) < count:
                open_tasks[turn] = next_task(annotator, project)
                found.append(open_tasks[turn])
    for turn, task in open_tasks.items():
        submit(annotators[turn], task)
    return found


def next_task(annotator: httpx.Client, project: int) -> int:
    """What the button "Label All Tasks" sends."""
    query: dict[str, str | int] = {"id": "next_task", "project": project}
    answer = annotator.post("/api/dm/actions/", params=query, json={"project": str(project)})
    return int(answer.raise_for_status().json()["id"])


def submit(annotator: httpx.Client, task: int) -> None:
    annotator.post(f"/api/tasks/{task}/annotations/", json={"result": [], "lead_time": 1}).raise_for_status()


def annotated(rest: LabelStudioRest, project: int) -> set[int]:
    query = {"project": project, "fields": "task_only", "include": "id,is_labeled", "page_size": 1000}
    tasks = rest.call("GET", "/api/tasks", params=query)["tasks"]
    return {int(task["id"]) for task in tasks if task["is_labeled"]}


def listed(rest: LabelStudioRest, project: int) -> list[int]:
    """The tasks of the tab "Queue", from above, as far as they are in the queue."""
    (tab,) = (each for each in tabs(rest, project) if each["data"]["title"] == TAB)
    query = {"view": tab["id"], "project": project, "include": "id,predictions_score", "page_size": 1000}
    tasks = rest.call("GET", "/api/tasks", params=query)["tasks"]
    return [int(task["id"]) for task in tasks if task["predictions_score"] is not None]


def tabs(rest: LabelStudioRest, project: int) -> list[dict[str, Any]]:
    return list(rest.call("GET", "/api/dm/views/", params={"project": project}))


def settings_of(rest: LabelStudioRest, project: int) -> dict[str, Any]:
    found = rest.call("GET", f"/api/projects/{project}/")
    return {key: found[key] for key in ("sampling", "model_version", "show_collab_predictions")}


def stored_order(state_dir: Path, project: int) -> list[int]:
    found = QueueRounds(open_database(f"sqlite:///{state_dir / 'maskloop.sqlite3'}")).newest(project)
    assert found is not None
    return [int(number) for number in found.task_ids]


def train(state_dir: Path, project: int, tmp_path: Path) -> str:
    """Publish a network that has learned nothing, as if a training had, and use it."""
    schema = LabelSchema((LABEL,))
    folder = write_random_unet(tmp_path / "network", schema, side=64)
    info = ModelStore(state_dir / "versions").publish(project, folder, facts(schema))
    engine = open_database(f"sqlite:///{state_dir / 'maskloop.sqlite3'}")
    ActiveVersions(engine).activate(project, "prelabel", info.name, "a test")
    return info.name
