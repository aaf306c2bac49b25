from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from backend.observability import Metrics
from backend.services.encoding import AnyInteractiveModel
from backend.services.project_click_models import KIND, ProjectClickModels
from backend.services.projects import ProjectOptions
from backend.state import version_pool
from backend.state.active_versions import ActiveVersions
from backend.state.database import open_database
from backend.state.model_pool import ModelPool
from backend.state.model_store import FILES, ModelStore, VersionInfo
from backend.state.version_pool import VersionPool
from models.interactive import INTERACTIVE_MODELS
from models.interactive.clicknet import WEIGHTS, ClickNetModel
from tests.fakes.versions import facts

OPTIONS = ProjectOptions("watershed", "clicknet", ())
SHIPPED = "clicknet-2-"


@dataclass
class Service:
    """What one process holds, and what a training does to it."""

    folder: Path
    opened: list[str] = field(default_factory=list)
    metrics: Metrics = field(default_factory=Metrics)

    def __post_init__(self) -> None:
        engine = open_database(f"sqlite:///{self.folder / 'db.sqlite3'}")
        self.store = ModelStore(self.folder / "versions")
        self.active = ActiveVersions(engine)
        trained = VersionPool[AnyInteractiveModel](
            KIND,
            store=self.store,
            active=self.active,
            open_version=self._open,
            max_loaded=1,
            metrics=self.metrics,
        )
        pool = ModelPool[AnyInteractiveModel](INTERACTIVE_MODELS, on_load=lambda model: None)
        self.models = ProjectClickModels(pool, trained)

    def _open(self, folder: Path, version: str) -> AnyInteractiveModel:
        self.opened.append(version)
        return ClickNetModel(weights=folder / FILES[0], version=version)

    def train(self, project: int = 2, *, weights: bytes = WEIGHTS.read_bytes()) -> VersionInfo:
        source = self.folder / "job"
        source.mkdir(exist_ok=True)
        for name, content in zip(FILES, (weights, str(project).encode()), strict=True):
            (source / name).write_bytes(content)
        info = self.store.publish(project, source, facts(kind=KIND))
        self.active.activate(project, KIND, info.name, "gate passed")
        return info

    def answering(self, project: int | None = 2, options: ProjectOptions = OPTIONS) -> str:
        return self.models.for_project(project, options).version


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return Service(tmp_path)


def test_clicks_are_answered_by_the_version_in_use_or_else_by_the_shipped_model(service: Service) -> None:
    assert service.answering().startswith(SHIPPED)
    info = service.train()

    assert service.answering() == info.name
    assert service.answering(3).startswith(SHIPPED)
    assert service.answering(None).startswith(SHIPPED)
    service.active.rollback(2, KIND, "rolled back", usable=lambda name: True)
    assert service.answering().startswith(SHIPPED)


def test_a_project_that_chose_another_model_or_not_to_learn_gets_what_it_wants(service: Service) -> None:
    service.train()
    assert service.answering(options=replace(OPTIONS, interactive_model="graphcut")).startswith("graphcut")
    assert service.answering(options=replace(OPTIONS, learn=False)).startswith(SHIPPED)
    assert service.opened == []


def test_versions_are_loaded_once_and_only_so_many_stay_in_memory(service: Service) -> None:
    first, second = service.train(2), service.train(3)
    for project in (2, 2, 3, 3, 2):
        service.answering(project)

    assert service.opened == [first.name, second.name, first.name]
    loaded = [s for m in service.metrics.models_loaded.collect() for s in m.samples if s.value == 1]
    assert [sample.labels for sample in loaded] == [{"kind": KIND, "version": first.name}]


def test_a_version_that_cannot_be_used_is_passed_over_for_a_minute(
    service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    info = service.train(weights=b"no weights")
    assert service.answering().startswith(SHIPPED)
    assert service.answering().startswith(SHIPPED)
    assert service.opened == [info.name]
    assert f"Version {info.name} is passed over" in caplog.text

    monkeypatch.setattr(version_pool, "TRY_AGAIN_S", 0.0)
    assert service.answering().startswith(SHIPPED)
    assert service.opened == [info.name, info.name]


def test_a_deleted_version_in_use_is_reported_and_passed_over(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    service.store.remove(service.train())
    assert service.answering().startswith(SHIPPED)
    assert "was deleted" in caplog.text
