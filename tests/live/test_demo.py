"""The demo command as a whole: its answer, its project, and that nothing of it is left running."""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.labelstudio.client import LabelStudioClient
from scripts.backend_server import BackendServer
from scripts.child_process import clean_environment
from scripts.demo_images import DEMO_IMAGES
from scripts.demo_project import connect_backend, open_project
from scripts.label_studio_rest import LabelStudioRest
from tests.live.conftest import ROOT

_DYING_S = 60.0  # a killed process is listed until the kernel has cleared it away
MARK = "TEST_MARK"  # a variable that everything a demo starts inherits


def processes_with(mark: str) -> list[str]:
    """Command lines of the living processes that inherited the mark."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (folder / "environ").read_bytes():
                found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:  # it ended while we looked
            continue
    return found


@pytest.fixture
def marked() -> Iterator[dict[str, str]]:
    """An environment whose processes can be found again."""
    mark = uuid.uuid4().hex
    yield clean_environment("MASKLOOP_") | {MARK: mark}
    deadline = time.monotonic() + _DYING_S
    while processes_with(mark) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert processes_with(mark) == []


def test_the_check_passes_and_leaves_nothing_running(marked: dict[str, str]) -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "scripts.demo", "--check"],
        cwd=ROOT,
        env=marked,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "Smart click" in answer.stdout


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_stops_everything(marked: dict[str, str], ending: signal.Signals) -> None:
    demo = subprocess.Popen(
        [sys.executable, "-m", "scripts.demo", "--check"],
        cwd=ROOT,
        env=marked,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with demo:
        assert demo.stdout is not None
        for line in demo.stdout:
            if "Label Studio is up" in line:
                break
        assert len(processes_with(marked[MARK])) >= 2
        os.kill(demo.pid, ending)
        time.sleep(0.1)
        os.kill(demo.pid, ending)  # impatient people press twice
        assert "are stopped" in demo.stdout.read()
    assert demo.returncode == 1  # the check did not pass


def test_the_project_is_made_once_and_follows_the_service_to_another_port(
    rest: LabelStudioRest, client: LabelStudioClient, backend: BackendServer, tmp_path: Path
) -> None:
    first = open_project(rest, tmp_path, report=lambda _: None)
    assert len(first.tasks) == len(DEMO_IMAGES)
    connect_backend(rest, first, backend.url)
    assert open_project(rest, tmp_path, report=lambda _: None) == first

    moved = BackendServer(label_studio_url=rest.url, api_key=rest.api_key, state_dir=tmp_path)
    with moved:
        connect_backend(rest, first, moved.url)
        assert [model["url"] for model in rest.models(first.id)] == [moved.url]
        assert [hook.url for hook in client.webhooks(first.id)] == [f"{moved.url}/webhook"]


def test_a_project_that_was_deleted_in_label_studio_is_made_again(
    rest: LabelStudioRest, tmp_path: Path
) -> None:
    first = open_project(rest, tmp_path, report=lambda _: None)
    rest.call("DELETE", f"/api/projects/{first.id}")
    second = open_project(rest, tmp_path, report=lambda _: None)
    assert second.id != first.id
