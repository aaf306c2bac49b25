"""A service that wants a user and a password, as Label Studio calls it."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest

from backend.errors import LabelStudioError
from backend.labelstudio.client import LabelStudioClient
from backend.services.connection import Connection, connect
from scripts.backend_server import BackendServer
from scripts.label_studio_rest import LabelStudioRest
from tests.live.pictures import percent, two_objects
from tests.live.projects import LiveTask, config_for, region_mask, stored_regions
from tests.live.ui import LabellingPage

USER, PASSWORD = "label-studio", "correct horse"


@pytest.fixture(scope="module")
def guarded(rest: LabelStudioRest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BackendServer]:
    settings = {"BASIC_AUTH_USER": USER, "BASIC_AUTH_PASSWORD": PASSWORD}
    folder: Path = tmp_path_factory.mktemp("guarded")
    server = BackendServer(
        label_studio_url=rest.url, api_key=rest.api_key, state_dir=folder, settings=settings
    )
    with server:
        yield server


def test_everything_but_health_wants_the_password(guarded: BackendServer) -> None:
    with httpx.Client(base_url=guarded.url, trust_env=False, timeout=60) as http:
        assert http.get("/health").status_code == 200
        assert http.post("/predict", json={}).status_code == 401
        assert http.post("/webhook", json={}, auth=(USER, "wrong")).status_code == 401
        assert http.get("/metrics", auth=(USER, PASSWORD)).status_code == 200


def test_clicking_submitting_and_the_webhook_work_with_the_password(
    ui: LabellingPage, guarded: BackendServer, rest: LabelStudioRest, client: LabelStudioClient
) -> None:
    picture = two_objects()
    project = rest.create_project("Guarded", config_for("brush"))
    connect(client, Connection(project, guarded.url, basic_auth=(USER, PASSWORD)))
    task = LiveTask(project, rest.upload(project, picture.name, picture.content), picture)
    ui.start_smart(task)
    before = len(ui.results())
    assert before >= 2
    (sent,) = ui.smart_click(*percent(30, 250))
    ui.accept()
    ui.submit()
    stored = stored_regions(rest, task)
    assert len(stored) == before + 1
    (kept,) = [region for region in stored if region["id"] == sent["id"]]
    assert np.array_equal(region_mask(kept), region_mask(sent))
    metrics = httpx.get(f"{guarded.url}/metrics", auth=(USER, PASSWORD), trust_env=False, timeout=60)
    assert 'maskloop_events_total{action="ANNOTATION_CREATED"} 1.0' in metrics.text


def test_connecting_again_changes_nothing(
    guarded: BackendServer, rest: LabelStudioRest, client: LabelStudioClient
) -> None:
    project = rest.create_project("Connected twice", config_for("brush"))
    wanted = Connection(project, guarded.url, basic_auth=(USER, PASSWORD))
    connect(client, wanted)
    before = rest.models(project), client.webhooks(project)
    connect(client, wanted)
    after = rest.models(project), client.webhooks(project)
    assert [model["id"] for model in after[0]] == [model["id"] for model in before[0]]
    assert after[1] == before[1]


def test_a_wrong_password_is_reported_when_connecting(
    guarded: BackendServer, rest: LabelStudioRest, client: LabelStudioClient
) -> None:
    project = rest.create_project("Wrong password", config_for("brush"))
    wanted = Connection(project, guarded.url, basic_auth=(USER, "wrong"))
    with pytest.raises(LabelStudioError, match=r"(?i)auth|password"):
        connect(client, wanted)
