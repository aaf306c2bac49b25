import logging
import shutil
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from backend.labelstudio.label_config import LabelConfig
from backend.observability import Metrics
from backend.services.project_models import KIND, ProjectModels
from backend.services.projects import ProjectOptions
from backend.state import version_pool
from backend.state.active_versions import ActiveVersions
from backend.state.database import open_database
from backend.state.event_inbox import EventInbox
from backend.state.model_pool import ModelPool
from backend.state.model_store import FILES, ModelStore, VersionInfo
from backend.state.version_pool import VersionPool
from models.label_schema import LabelSchema, Question
from models.prelabel import PRELABELLERS
from models.prelabel.base import PreLabeller
from tests.fakes.requests import CONFIG
from tests.fakes.versions import BROKEN, TrainedFake, facts, trained_files

COINS = LabelConfig.parse(CONFIG)
OPTIONS = ProjectOptions("watershed", "graphcut", ())
UNTRAINED = "watershed-1"


@dataclass
class Service:
    """What one process holds, and what the worker and Label Studio do to it."""

    folder: Path
    max_loaded: int = 2
    opened: list[str] = field(default_factory=list)
    metrics: Metrics = field(default_factory=Metrics)

    def __post_init__(self) -> None:
        engine = open_database(f"sqlite:///{self.folder / 'db.sqlite3'}")
        self.store = ModelStore(self.folder / "versions")
        self.active = ActiveVersions(engine)
        self.inbox = EventInbox(engine)
        trained = VersionPool[PreLabeller](
            KIND,
            store=self.store,
            active=self.active,
            open_version=self._open,
            max_loaded=self.max_loaded,
            metrics=self.metrics,
        )
        pool = ModelPool(PRELABELLERS, on_load=lambda model: None)
        self.models = ProjectModels(pool, trained=trained, store=self.store, inbox=self.inbox)

    def _open(self, folder: Path, version: str) -> PreLabeller:
        self.opened.append(version)
        return TrainedFake(folder, version)

    def train(
        self, content: str, *, project: int = 2, use: bool = True, schema: LabelSchema | None = None
    ) -> VersionInfo:
        said = facts() if schema is None else facts(schema)
        info = self.store.publish(project, trained_files(self.folder / "job", content), said)
        if use:
            self.active.activate(project, "prelabel", info.name, "gate passed")
        return info

    def choose(self, version: str | None, project: int = 2) -> None:
        self.inbox.add(
            action="PROJECT_UPDATED",
            project_id=project,
            task_ids=(),
            annotation_ids=(),
            skipped=False,
            body={},
            chosen_version=version,
        )

    def answering(
        self, project: int | None = 2, config: LabelConfig = COINS, options: ProjectOptions = OPTIONS
    ) -> str:
        """The version of the pre-labels, insisting that it is announced before and after loading it."""
        announced = self.models.version(project, config, options)
        version = self.models.for_project(project, config, options).version
        assert version == announced == self.models.version(project, config, options)
        return version

    def passed_over(self) -> float:
        return self.metrics.registry.get_sample_value("maskloop_unusable_versions_total") or 0.0


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return Service(tmp_path)


def test_a_project_without_trained_versions_gets_the_pre_labeller_of_its_options(service: Service) -> None:
    service.train("a", project=3)
    service.train("b", use=False)
    assert service.answering() == UNTRAINED
    assert service.answering(options=replace(OPTIONS, prelabeller="otsu")) == "otsu-1"
    assert service.answering(None) == UNTRAINED


def test_the_version_in_use_answers_and_so_does_the_earlier_one_after_a_rollback(service: Service) -> None:
    first, second = service.train("a"), service.train("b")
    assert service.answering() == second.name
    service.active.rollback(2, "prelabel", "rolled back", usable=lambda name: True)
    assert service.answering() == first.name
    service.active.rollback(2, "prelabel", "rolled back", usable=lambda name: True)
    assert service.answering() == UNTRAINED


def test_what_another_process_activates_is_used_by_the_next_request(service: Service) -> None:
    assert service.answering() == UNTRAINED
    info = Service(service.folder).train("a")
    assert service.answering() == info.name


def test_the_version_chosen_in_label_studio_comes_before_the_one_in_use(service: Service) -> None:
    chosen, used = service.train("a"), service.train("b")
    service.choose(chosen.name)
    service.choose(None)
    assert service.answering() == chosen.name
    assert service.answering(options=replace(OPTIONS, learn=False)) == chosen.name
    service.choose("Maskloop")
    assert service.answering() == used.name


def test_a_version_that_is_chosen_in_the_order_of_the_queue_answers_under_its_own_name(
    service: Service,
) -> None:
    chosen, _ = service.train("a"), service.train("b")
    service.choose(f"{chosen.name}.q12")
    assert service.answering() == chosen.name


def test_pre_labels_that_are_to_be_chosen_next_come_from_the_version_in_use(service: Service) -> None:
    chosen, used = service.train("a"), service.train("b")
    service.choose(chosen.name)
    assert service.models.for_project(2, COINS, OPTIONS, heed_choice=False).version == used.name


@pytest.mark.parametrize("choice", ["", "Maskloop", UNTRAINED, "unet-p2-9-00000000", "unet-p3-1-ca978112"])
def test_a_choice_that_is_no_version_of_the_project_chooses_nothing(service: Service, choice: str) -> None:
    used = service.train("b")
    assert service.train("a", project=3).name == "unet-p3-1-ca978112"
    service.choose(choice)
    assert service.answering() == used.name


def test_a_project_that_does_not_want_to_learn_keeps_its_pre_labeller(service: Service) -> None:
    service.train("a")
    assert service.answering(options=replace(OPTIONS, learn=False)) == UNTRAINED


FOCUS = Question("focus", ("Sharp", "Blurred"))


@pytest.mark.parametrize(
    ("schema", "fits"),
    [
        (LabelSchema(("Coin",)), True),
        (LabelSchema(("Coin",), (FOCUS,)), True),
        (LabelSchema((), (Question("focus", ("Sharp",)),)), True),
        (LabelSchema(("Coin", "Ring")), False),
        (LabelSchema(("coin",)), False),
        (LabelSchema(("Coin",), (Question("focus", ("Sharp", "Dark")),)), False),
        (LabelSchema(("Coin",), (Question("light", ("Sharp",)),)), False),
    ],
)
def test_a_version_is_used_while_all_that_it_says_is_in_the_labelling_config(
    service: Service, schema: LabelSchema, fits: bool
) -> None:
    choices = (
        '<Choices name="focus" toName="image"><Choice value="Sharp"/><Choice value="Blurred"/></Choices>'
    )
    config = LabelConfig.parse(CONFIG.replace("</View>", f"{choices}</View>"))
    info = service.train("a", schema=schema)
    assert service.answering(config=config) == (info.name if fits else UNTRAINED)


def damage_description(folder: Path) -> None:
    (folder / "model.json").write_text("{")


def remove_network(folder: Path) -> None:
    (folder / FILES[1]).unlink()


def remove_weights(folder: Path) -> None:
    (folder / FILES[0]).unlink()


@pytest.mark.parametrize("damage", [damage_description, remove_network, remove_weights, shutil.rmtree])
def test_a_version_whose_folder_is_damaged_is_passed_over_logged_and_counted(
    service: Service, caplog: pytest.LogCaptureFixture, damage: Callable[[Path], None]
) -> None:
    info = service.train("a")
    damage(service.store.folder(info))
    with caplog.at_level(logging.ERROR):
        assert [service.answering() for _ in range(3)] == [UNTRAINED] * 3
    assert len(caplog.records) == service.passed_over() == 1
    assert info.name in caplog.text


@pytest.mark.parametrize("content", [BROKEN, "changed"])
def test_weights_that_cannot_be_used_are_noticed_by_the_first_request_with_pictures(
    service: Service, content: str
) -> None:
    info = service.train("a" if content == "changed" else content)
    (service.store.folder(info) / FILES[0]).write_text(content)
    assert service.models.for_project(2, COINS, OPTIONS).version == UNTRAINED
    assert service.answering() == UNTRAINED
    assert service.passed_over() == 1


def test_when_the_chosen_version_is_damaged_the_one_in_use_answers(service: Service) -> None:
    chosen, used = service.train("a"), service.train("b")
    service.choose(chosen.name)
    remove_weights(service.store.folder(chosen))
    assert service.answering() == used.name


def test_a_version_that_was_restored_is_used_again(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    info = service.train("a")
    weights = service.store.folder(info) / FILES[0]
    weights.unlink()
    assert service.answering() == UNTRAINED
    weights.write_text("a")
    monkeypatch.setattr(version_pool, "TRY_AGAIN_S", 0.0)
    assert service.models.for_project(2, COINS, OPTIONS).version == info.name
    assert service.answering() == info.name


def test_naming_a_version_loads_nothing(service: Service) -> None:
    info = service.train("a")
    assert service.models.version(2, COINS, OPTIONS) == info.name
    assert service.opened == []


def test_a_version_is_loaded_once_for_all_who_wait_for_it(service: Service) -> None:
    info = service.train("a")
    together = threading.Barrier(8)

    def ask() -> str:
        together.wait(60)
        return service.models.for_project(2, COINS, OPTIONS).version

    with ThreadPoolExecutor(8) as pool:
        assert {future.result(60) for future in [pool.submit(ask) for _ in range(8)]} == {info.name}
    assert service.opened == [info.name]


def test_only_the_versions_used_last_stay_in_memory(service: Service) -> None:
    names = [service.train("a", project=project).name for project in (1, 2, 3)]
    for project in (1, 2, 1, 3, 1, 2):
        service.answering(project)
    assert service.opened == [names[0], names[1], names[2], names[1]]
    value = service.metrics.registry.get_sample_value
    in_memory = [value("maskloop_model_loaded", {"kind": "prelabel", "version": name}) for name in names]
    assert in_memory == [1, 1, 0]


def test_all_versions_are_listed_the_newest_after_the_untrained_ones(service: Service) -> None:
    first, second, third = service.train("a"), service.train("a", project=3), service.train("b", use=False)
    service.store.publish(2, trained_files(service.folder / "clicks"), facts(kind="click"))
    assert service.models.versions() == ["otsu-1", UNTRAINED, third.name, second.name, first.name]
