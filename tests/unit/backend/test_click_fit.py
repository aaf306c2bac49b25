from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from backend.errors import JobCancelledError, NothingAnnotatedError
from backend.services.click_fit import ClickFit
from backend.services.project_click_models import KIND
from backend.services.training_data import TrainingData
from backend.state.active_versions import ActiveVersions
from backend.state.database import open_database
from backend.state.model_store import FILES, ModelStore
from models.errors import TooFewExamplesError
from models.label_schema import LabelSchema
from models.training.click_fit import count_objects
from models.training.examples import Example
from models.training.fit_progress import FitProgress
from models.training.gate import GateDecision
from models.training.prelabel_fit import FitOutcome
from tests.fakes.dotted_objects import dotted_example

PROJECT = 7


def data(n_pictures: int) -> TrainingData:
    """Three objects in each picture."""
    examples = tuple(dotted_example(number) for number in range(n_pictures))
    return TrainingData(examples, LabelSchema(("Coin",)), "api", {}, 1)


@dataclass
class Learner:
    """Writes the number of objects instead of weights; passes the gate, or is stopped, as it is told."""

    passing: bool = True
    stopping: bool = False
    refusing: bool = False
    calls: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, examples: Sequence[Example], scratch: Path, **options: Any) -> FitOutcome:
        self.calls.append(options)
        folder = scratch / "model"
        folder.mkdir(parents=True, exist_ok=True)
        if self.stopping:
            raise JobCancelledError("Somebody pressed a key.")
        if self.refusing:
            raise TooFewExamplesError("There are no pictures to judge by.")
        count = count_objects(examples)
        for name in FILES:
            (folder / name).write_text(f"{count} {options['seed']}")
        gate = GateDecision(self.passing, "because", {"clicks": 3.0}, ("7-1",))
        return FitOutcome(folder, gate, ("7-2",), ("7-1",), {"objects": count})


@dataclass
class Worker:
    """A worker's parts over one folder."""

    folder: Path
    learner: Learner = field(default_factory=Learner)

    def __post_init__(self) -> None:
        self.store = ModelStore(self.folder / "versions")
        self.active = ActiveVersions(open_database(f"sqlite:///{self.folder / 'db.sqlite3'}"))
        self.fit = ClickFit(store=self.store, active=self.active, learn=self.learner)

    def run(self, n_pictures: int, job: int = 1) -> str | None:
        scratch = self.folder / "jobs" / str(job) / "click"
        return self.fit.run(
            PROJECT, lambda: data(n_pictures), scratch, budget_s=9.0, seed=job, report=lambda progress: None
        )

    @property
    def in_use(self) -> str | None:
        return self.active.active(PROJECT, KIND)

    @property
    def names(self) -> list[str]:
        return [info.name for info in self.store.versions(PROJECT)]


@pytest.fixture
def worker(tmp_path: Path) -> Worker:
    return Worker(tmp_path)


def test_a_model_that_passes_the_gate_is_published_and_used(worker: Worker) -> None:
    said = worker.run(17)
    (info,) = worker.store.versions(PROJECT)

    assert said == f"{info.name} is in use: because"
    assert worker.in_use == info.name
    assert (info.kind, info.parent, info.source, info.metrics["objects"]) == (KIND, None, "api", 51)
    assert (info.trained_on, info.held_out, info.gate["passed"]) == (("7-2",), ("7-1",), True)
    assert worker.learner.calls[0]["active"] is None


def test_a_model_that_the_gate_refuses_is_kept_but_not_used(worker: Worker) -> None:
    worker.learner.passing = False
    said = worker.run(17)

    assert said is not None and said.endswith("is kept but not used: because")
    assert len(worker.names) == 1
    assert worker.in_use is None


def test_it_is_due_at_50_objects_and_then_with_a_quarter_more(worker: Worker) -> None:
    assert worker.run(16, job=1) is None
    assert worker.run(17, job=2) is not None
    assert worker.run(21, job=3) is None
    assert worker.run(22, job=4) is not None
    assert len(worker.learner.calls) == 2
    assert not (worker.folder / "jobs" / "1").exists()


def test_the_next_one_goes_on_from_the_version_in_use(worker: Worker) -> None:
    worker.run(17)
    first = worker.in_use
    worker.run(30, job=2)
    newest = worker.store.versions(PROJECT)[0]

    assert worker.learner.calls[1]["active"].name == first
    assert newest.parent == first
    assert worker.in_use == newest.name


def test_a_damaged_version_in_use_is_begun_without(worker: Worker, caplog: pytest.LogCaptureFixture) -> None:
    worker.run(17)
    (worker.folder / "versions" / str(PROJECT) / str(worker.in_use) / FILES[0]).write_text("damaged")
    worker.run(30, job=2)

    assert worker.learner.calls[1]["active"] is None
    assert "begins without the version in use" in caplog.text


def test_a_stopped_one_is_gone_on_with_although_it_is_not_due_any_more(worker: Worker) -> None:
    worker.learner.stopping = True
    with pytest.raises(JobCancelledError):
        worker.run(17)
    assert worker.names == []

    worker.learner.stopping = False
    assert worker.run(10) is not None
    assert worker.in_use is not None


def test_publishing_twice_makes_one_version(worker: Worker) -> None:
    first = worker.run(17)
    assert Worker(worker.folder).run(17) == first
    assert len(worker.names) == 1
    assert len(worker.active.history(PROJECT, KIND)) == 1


def test_nothing_to_judge_by_is_said(worker: Worker) -> None:
    worker.learner.refusing = True
    assert worker.run(17) == "There are no pictures to judge by."
    assert worker.names == []


def test_a_project_without_annotations_is_not_due(worker: Worker, tmp_path: Path) -> None:
    def read() -> TrainingData:
        raise NothingAnnotatedError("There is nothing.")

    def report(progress: FitProgress) -> None:
        raise AssertionError(progress)

    scratch = tmp_path / "job"
    assert worker.fit.run(PROJECT, read, scratch, budget_s=9.0, seed=1, report=report) is None
