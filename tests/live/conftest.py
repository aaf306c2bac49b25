"""One Label Studio, one service and one Chromium for all live tests; a missing part is a failure."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, StorageState, expect, sync_playwright

from backend.labelstudio.client import LabelStudioClient
from backend.services.connection import Connection, connect
from scripts.backend_server import BackendServer
from scripts.label_studio_rest import LabelStudioRest
from scripts.label_studio_server import API_KEY, LabelStudioServer
from tests.live.pictures import LivePicture
from tests.live.projects import LiveTask, config_for
from tests.live.ui import TIMEOUT_MS, LabellingPage

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
ARTIFACTS = ROOT / ".artifacts"
_CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
_CHROMIUM_FLAGS = [
    "--no-sandbox",  # containers run as root
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_NO_TRAININGS = {"FIT_AFTER": "1000", "FIT_QUIET_S": "86400"}
"""Whoever wants a training says so for the project: those of all others would come before it."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker("live")


@pytest.fixture(scope="session")
def label_studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabelStudioServer]:
    server = LabelStudioServer(ROOT / ".venv-label-studio", tmp_path_factory.mktemp("label-studio"))
    with server:
        yield server


@pytest.fixture(scope="session")
def rest(label_studio: LabelStudioServer) -> LabelStudioRest:
    return LabelStudioRest(label_studio.url, API_KEY)


@pytest.fixture(scope="session")
def client(label_studio: LabelStudioServer) -> Iterator[LabelStudioClient]:
    with httpx.Client(trust_env=False) as http:
        yield LabelStudioClient(label_studio.url, API_KEY, http=http)


@pytest.fixture(scope="session")
def backend(
    label_studio: LabelStudioServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BackendServer]:
    state_dir = tmp_path_factory.mktemp("maskloop")
    server = BackendServer(
        label_studio_url=label_studio.url, api_key=API_KEY, state_dir=state_dir, settings=_NO_TRAININGS
    )
    with server:
        yield server


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = next(filter(None, map(shutil.which, _CHROMIUM_NAMES)), None)
    if program is None:
        pytest.fail("No Chromium on the PATH; `bash scripts/test.sh` installs it.")
    expect.set_options(timeout=TIMEOUT_MS)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=program, args=_CHROMIUM_FLAGS, timeout=TIMEOUT_MS
        )
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def login(browser: Browser, label_studio: LabelStudioServer) -> StorageState:
    """Cookies of one login, which every window uses."""
    window = LabellingPage(browser, label_studio.url, ARTIFACTS)
    try:
        return window.login()
    finally:
        window.close()


@pytest.fixture
def open_window(
    browser: Browser, label_studio: LabelStudioServer, login: StorageState, request: pytest.FixtureRequest
) -> Iterator[Callable[[], LabellingPage]]:
    """Makes browser windows; a screenshot of each is kept when the test ends."""
    with ExitStack() as stack:

        def make() -> LabellingPage:
            window = LabellingPage(browser, label_studio.url, ARTIFACTS, login=login)
            stack.callback(window.close)
            stack.callback(window.screenshot, f"{request.node.name}-end-{next(numbers)}")
            return window

        numbers = count(1)
        yield make


@pytest.fixture
def ui(open_window: Callable[[], LabellingPage]) -> LabellingPage:
    return open_window()


@pytest.fixture
def make_task(
    rest: LabelStudioRest, client: LabelStudioClient, backend: BackendServer, request: pytest.FixtureRequest
) -> Callable[..., LiveTask]:
    """Makes a project with one uploaded picture, connected to the service.

    Without pre-labels the annotation is empty when the task is opened, so that what is seen is the answer.
    """

    def make(picture: LivePicture, *, kind: str = "brush", prelabels: bool = False) -> LiveTask:
        project = rest.create_project(request.node.name[:50], config_for(kind))
        connect(client, Connection(project, backend.url))
        if not prelabels:
            rest.call("PATCH", f"/api/projects/{project}/", json={"show_collab_predictions": False})
        return LiveTask(project, rest.upload(project, picture.name, picture.content), picture)

    return make
