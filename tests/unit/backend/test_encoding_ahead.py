"""Looking up the next tasks, over real pictures and a Label Studio that is not there."""

import json
import threading
from collections.abc import Callable
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest

from backend.byte_cache import ByteCache
from backend.labelstudio.credentials import LegacyToken
from backend.labelstudio.images import ImageLimits, ImageLoader
from backend.labelstudio.label_config import LabelConfig
from backend.labelstudio.payloads import Task
from backend.labelstudio.rest import LabelStudioApi
from backend.labelstudio.task_queue import TaskQueue
from backend.observability import Metrics
from backend.services.encoding import AnyInteractiveModel, Encoder
from backend.services.encoding_ahead import EncodingAhead, OpenTask
from backend.services.project_click_models import ProjectClickModels
from backend.services.projects import ProjectOptions
from backend.state.active_versions import ActiveVersions
from backend.state.database import open_database
from backend.state.device_gate import DeviceGate
from backend.state.model_pool import ModelPool
from backend.state.model_store import ModelStore
from backend.state.version_pool import VersionPool
from models.registry import Registry
from tests.fakes.interactive import Recording
from tests.fakes.requests import CONFIG

URL = "http://ls.example.com"
OPTIONS = ProjectOptions("watershed", "recording", ())


def wait_for(condition: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(12_000):
        if condition():
            return
        pause.wait(0.005)
    raise AssertionError("it did not happen within 60 s")


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.services.encoding_ahead._PATIENCE_S", 60.0)


class Project:
    """A project whose task n has a picture n pixels high; the service over it."""

    def __init__(self, folder: Path, *, n_next: int = 2, status: int = 200) -> None:
        for number in range(1, 12):
            cv2.imwrite(str(folder / f"{number}.png"), np.zeros((number, 8, 3), np.uint8))
        self.metrics = Metrics()
        self.questions: list[int] = []
        self.while_asked: Callable[[], None] = lambda: None
        self.status = status
        self.models = ModelPool[AnyInteractiveModel](
            Registry("interactive model", [Recording]), on_load=lambda _model: None
        )
        trained = VersionPool[AnyInteractiveModel](
            "click",
            store=ModelStore(folder / "versions"),
            active=ActiveVersions(open_database(f"sqlite:///{folder / 'db.sqlite3'}")),
            open_version=lambda path, name: Recording(),
            max_loaded=1,
            metrics=self.metrics,
        )
        self.ahead = EncodingAhead(
            images=ImageLoader(
                label_studio_url=URL,
                credentials=None,
                local_files_root=folder,
                allowed_hosts=(),
                allowed_private_hosts=(),
                limits=ImageLimits(),
                cache_bytes=10**6,
                on_lookup=lambda _hit: None,
            ),
            models=ProjectClickModels(self.models, trained),
            encoder=Encoder(
                embeddings=ByteCache(10**6, size_of=lambda e: e.nbytes, on_lookup=lambda _hit: None),
                gate=DeviceGate(1, 5, on_wait=lambda _seconds: None),
                metrics=self.metrics,
            ),
            queue=TaskQueue(
                LabelStudioApi(URL, LegacyToken("k"), transport=httpx.MockTransport(self._answer))
            ),
            n_next=n_next,
            metrics=self.metrics,
        )

    def _answer(self, request: httpx.Request) -> httpx.Response:
        query = json.loads(request.url.params["query"])
        first = query["filters"]["items"][0]["value"]["min"]
        status = self.status  # before a test that waits for the question may change it
        self.questions.append(first)
        self.while_asked()
        tasks = [{"id": number, "data": self.task(number).task.data} for number in range(first, 12)]
        return httpx.Response(status, json={"tasks": tasks})

    def task(self, number: int, config: str = CONFIG) -> OpenTask:
        data = {"image": f"/data/local-files/?d={number}.png"}
        return OpenTask(Task(number, 2, data), LabelConfig.parse(config), OPTIONS)

    @property
    def encoded(self) -> list[int]:
        """The tasks whose pictures were encoded, in order."""
        model = self.models.get("recording")
        assert isinstance(model, Recording)
        return [height for height, _ in model.encoded]


def test_a_click_encodes_the_next_tasks_but_not_its_own(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.ahead.clicked(project.task(3))
    wait_for(lambda: project.encoded == [4, 5])


def test_opening_encodes_the_task_and_the_next_ones_once(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.ahead.opened(project.task(3))
    wait_for(lambda: sorted(project.encoded) == [3, 4, 5])
    project.ahead.opened(project.task(3))
    project.ahead.clicked(project.task(3))
    project.ahead.opened(project.task(4))
    wait_for(lambda: sorted(project.encoded) == [3, 4, 5, 6])
    assert project.questions == [4, 5]


def test_without_next_tasks_nobody_is_asked(tmp_path: Path) -> None:
    project = Project(tmp_path, n_next=0)
    project.ahead.opened(project.task(3))
    wait_for(lambda: project.encoded == [3])
    assert project.questions == []


def test_a_project_without_smart_tools_is_left_alone(tmp_path: Path) -> None:
    project = Project(tmp_path)
    plain = CONFIG.replace('smart="true"', 'smart="false"')
    assert project.task(3, plain).images == []
    project.ahead.opened(project.task(3, plain))
    project.ahead.opened(project.task(9))
    wait_for(lambda: sorted(project.encoded) == [9, 10, 11])
    assert project.questions == [10]


def test_a_listing_that_opens_the_tasks_it_lists_does_not_walk_through_the_project(tmp_path: Path) -> None:
    project = Project(tmp_path, n_next=1)
    project.while_asked = lambda: project.ahead.opened(project.task(project.questions[-1]))
    project.ahead.opened(project.task(1))
    wait_for(lambda: sorted(set(project.encoded)) == [1, 2])
    project.ahead.clicked(project.task(7))
    wait_for(lambda: 8 in project.encoded)
    assert project.questions == [2, 8]


def test_a_label_studio_that_refuses_is_logged_once_and_harms_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    project = Project(tmp_path, status=403)
    for number in (3, 4, 5):
        project.ahead.clicked(project.task(number))
    wait_for(lambda: project.questions == [4, 5, 6])
    project.status = 200
    project.ahead.clicked(project.task(6))
    wait_for(lambda: project.encoded == [7, 8])
    assert caplog.text.count("would not list tasks of project 2: 403") == 1


def test_a_picture_that_cannot_be_read_is_counted_and_the_next_one_is_encoded(tmp_path: Path) -> None:
    project = Project(tmp_path)
    (tmp_path / "4.png").write_bytes(b"no picture")
    project.ahead.clicked(project.task(3))
    wait_for(lambda: project.encoded == [5])
    sample = project.metrics.registry.get_sample_value("maskloop_encoded_ahead_total", {"outcome": "failed"})
    assert sample == 1
