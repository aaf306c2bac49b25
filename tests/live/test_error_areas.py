"""Annotators see where pre-labels are probably wrong."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import expect

from backend.labelstudio.client import LabelStudioClient
from backend.services.connection import Connection, connect
from backend.settings import Settings
from backend.state.active_versions import ActiveVersions
from backend.state.database import open_database
from backend.state.model_store import ModelStore
from models.label_schema import LabelSchema
from scripts.backend_server import BackendServer
from scripts.label_studio_rest import LabelStudioRest
from tests.fakes.random_unet import write_random_unet
from tests.fakes.versions import facts
from tests.live.projects import CHECK, LABEL, LiveTask, config_for, with_error_areas
from tests.live.stained_tiles import stained_tiles
from tests.live.ui import LabellingPage

_OTHER = "Other"
_SCHEMA = LabelSchema((LABEL, _OTHER))
_TWO_LABELS = f'<Label value="{_OTHER}"/></BrushLabels>'
_SEED = 1
"""Of a network that has learned nothing: undecided between three classes, it doubts several areas."""


def test_doubtful_areas_are_regions_of_their_own_control(
    ui: LabellingPage,
    rest: LabelStudioRest,
    client: LabelStudioClient,
    backend: BackendServer,
    tmp_path: Path,
) -> None:
    config = with_error_areas(config_for("brush").replace("</BrushLabels>", _TWO_LABELS))
    project = rest.create_project("error areas", config)
    connect(client, Connection(project, backend.url))
    version = _use_version(backend, project, write_random_unet(tmp_path / "network", _SCHEMA, seed=_SEED))
    picture = stained_tiles()[6]
    task = LiveTask(project, rest.upload(project, picture.name, picture.content), picture)

    ui.open_task(task)
    prediction = max(rest.task(task.task)["predictions"], key=lambda each: int(each["id"]))
    assert prediction["model_version"] == version
    marks = [region for region in prediction["result"] if region["from_name"] == "check"]
    assert 1 < len(marks) <= 5
    assert all(region["value"]["polygonlabels"] == [CHECK] for region in marks)
    expect(ui.page.locator(".lsf-outliner-item").filter(has_text=CHECK)).to_have_count(len(marks))


def _use_version(backend: BackendServer, project: int, network: Path) -> str:
    settings = Settings(state_dir=Path(backend.environment["MASKLOOP_STATE_DIR"]))
    info = ModelStore(settings.versions_dir).publish(project, network, facts(_SCHEMA))
    engine = open_database(settings.resolved_database_url)
    ActiveVersions(engine).activate(project, info.kind, info.name, "the test wants it")
    return info.name
