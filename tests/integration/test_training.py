"""Webhooks in, a trained version out: a real server with its own worker, the real training, real files."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import httpx
import pytest

from backend.labelstudio.label_config import LabelConfig
from backend.labelstudio.results import encode_region
from backend.state.database import open_database
from backend.state.jobs import Job, JobStore
from backend.state.model_store import ModelStore
from scripts.child_process import clean_environment, free_port
from tests.fakes.dotted_objects import SIDE, dotted_picture
from tests.fakes.requests import CONFIG

ROOT = Path(__file__).resolve().parents[2]
PROJECT = 7
PICTURES = 10
LONG_S, SHORT_S = 60, 5
"""Seconds of the training that is killed, which must not end before, and of the one that goes on with it."""


@contextmanager
def server(folder: Path) -> Iterator[tuple[httpx.Client, int]]:
    """A server that trains after ten annotations; its client and the number of its process."""
    port = free_port()
    environment = clean_environment("MASKLOOP_") | {
        "MASKLOOP_STATE_DIR": str(folder / "state"),
        "MASKLOOP_LOCAL_FILES_ROOT": str(folder / "files"),
        "MASKLOOP_FIT_AFTER": str(PICTURES),
        "MASKLOOP_FIT_THREADS": "1",
        "MASKLOOP_SELECT_AFTER_FIT": "true",  # which cannot be, without a Label Studio
    }
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "scripts.serve", "--port", str(port)],
            cwd=ROOT,
            env=environment,
            stderr=log,
            start_new_session=True,
        )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as client:
            eventually(lambda: answers(client))
            yield client, process.pid
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(100)


def answers(client: httpx.Client) -> bool:
    try:
        return client.get("/health").is_success
    except httpx.TransportError:
        return False


def eventually(condition: Callable[[], bool], timeout_s: float = 100.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def submission(files: Path, number: int) -> dict[str, Any]:
    """A webhook as it comes when somebody has outlined all objects of a picture."""
    picture, regions = dotted_picture(number)
    files.mkdir(exist_ok=True)
    cv2.imwrite(str(files / f"{number}.png"), picture[..., ::-1])
    control = LabelConfig.parse(CONFIG).control("brush")
    assert control is not None
    result = [item for region in regions for item in encode_region(region, control, "Coin", (SIDE, SIDE))]
    return {
        "action": "ANNOTATION_CREATED",
        "project": {"id": PROJECT, "label_config": CONFIG},
        "task": {"id": number, "data": {"image": f"/data/local-files/?d={number}.png"}},
        "annotation": {
            "id": number,
            "task": number,
            "completed_by": 1,
            "updated_at": "2026-11-21T00:00:00Z",
            "result": result,
        },
    }


def children(pid: int) -> list[int]:
    """The processes that a process started, and those that they started; none if it has ended."""
    folder = Path(f"/proc/{pid}/task")
    try:
        threads = os.listdir(folder)
    except OSError:
        return []
    found = [int(each) for thread in threads for each in content(folder / thread / "children").split()]
    return [*found, *(below for each in found for below in children(each))]


def content(file: Path) -> bytes:
    """Of a file about a process or a thread; nothing if that has ended."""
    try:
        return file.read_bytes()
    except OSError:
        return b""


def worker_of(server_pid: int) -> int | None:
    for pid in children(server_pid):
        if b"scripts.worker" in content(Path(f"/proc/{pid}/cmdline")):
            return pid
    return None


def announce(client: httpx.Client, fit_seconds: int) -> str:
    """Set the project up, as Label Studio does; returns the version of its pre-labels."""
    options = {"fit_seconds": fit_seconds}
    setup = {"project": f"{PROJECT}.1", "schema": CONFIG, "hostname": "", "extra_params": options}
    return str(client.post("/setup", json=setup).json()["model_version"])


@pytest.fixture
def jobs(tmp_path: Path) -> JobStore:
    return JobStore(open_database(f"sqlite:///{tmp_path / 'state' / 'maskloop.sqlite3'}"))


def test_submissions_become_a_version_although_the_worker_is_killed_while_it_learns(
    tmp_path: Path, jobs: JobStore
) -> None:
    with server(tmp_path) as (client, pid):
        announce(client, LONG_S)
        for number in range(1, PICTURES + 1):
            assert client.post("/webhook", json=submission(tmp_path / "files", number)).status_code == 201
        eventually(lambda: any(learning(job) for job in jobs.newest(1)))
        first = worker_of(pid)
        assert first is not None
        os.kill(first, signal.SIGKILL)
        announce(client, SHORT_S)
        eventually(lambda: worker_of(pid) not in (None, first))
        eventually(lambda: jobs.find(1).state in ("done", "failed"), timeout_s=200)
        announced = announce(client, SHORT_S)
        eventually(lambda: not list((tmp_path / "state" / "jobs").iterdir()))
        metrics = client.get("/metrics").text
    [job] = jobs.newest(10)
    [version] = ModelStore(tmp_path / "state" / "versions").versions(PROJECT)
    assert (job.state, job.starts) == ("done", 2)
    assert job.result is not None and job.result["version"] == version.name
    assert version.source == "inbox"
    assert ("The tasks keep their order: " in job.message) == job.result["active"]
    assert len({*version.trained_on, *version.held_out}) == PICTURES
    assert (announced == version.name) == version.gate["passed"] == job.result["active"]
    assert 'maskloop_jobs{state="done"} 1.0' in metrics


def learning(job: Job) -> bool:
    return job.state == "running" and job.share > 0.05
