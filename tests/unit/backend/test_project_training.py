from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from backend.services.click_fit import ClickFit
from backend.services.job_process import JobResult, ReportProgress
from backend.services.project_training import ProjectTraining, ReadOnce
from backend.services.projects import ProjectOptions
from backend.services.training_data import TrainingData
from backend.state.active_versions import ActiveVersions
from backend.state.database import open_database
from backend.state.jobs import Job, JobStore
from backend.state.model_store import FILES, ModelStore
from models.label_schema import LabelSchema
from models.training.examples import Example
from models.training.fit_progress import FitProgress, Report
from models.training.gate import GateDecision
from models.training.prelabel_fit import FitOutcome
from tests.fakes.dotted_objects import dotted_example

PROJECT = 7
OPTIONS = ProjectOptions("watershed", "clicknet", (), fit_seconds=33.0)


def learn(
    examples: Sequence[Example], scratch: Path, *, report: Report, budget_s: float, **rest: Any
) -> FitOutcome:
    """Writes its time instead of weights."""
    report(FitProgress("click model", 0.5))
    (scratch / "model").mkdir(parents=True)
    for name in FILES:
        (scratch / "model" / name).write_text(str(budget_s))
    return FitOutcome(scratch / "model", GateDecision(True, "fewer clicks", {}, ()), (), (), {"objects": 60})


@dataclass
class Training:
    """A job's parts over one folder; the pre-labeller is a sentence."""

    folder: Path
    n_pictures: int = 20
    options: ProjectOptions = OPTIONS
    reads: int = 0
    progress: list[tuple[str, float]] = field(default_factory=list)

    def read(self, project_id: int, *, report: Callable[[int], None] | None = None) -> TrainingData:
        self.reads += 1
        examples = tuple(dotted_example(number) for number in range(self.n_pictures))
        return TrainingData(examples, LabelSchema(("Coin",)), "api", {}, 1)

    def run(self) -> JobResult:
        reader = ReadOnce(self)
        self.store = ModelStore(self.folder / "versions")
        engine = open_database(f"sqlite:///{self.folder / 'db.sqlite3'}")
        jobs, active = JobStore(engine), ActiveVersions(engine)
        jobs.queue(PROJECT, "asked")
        taken = jobs.take()
        assert taken is not None

        def prelabels(job: Job, report: ReportProgress) -> JobResult:
            reader.read(job.project_id)
            report("publishing", 1.0)
            return JobResult("Pre-labels are in use.", {"active": True})

        training = ProjectTraining(
            prelabels,
            clicks=ClickFit(store=self.store, active=active, learn=learn),
            reader=reader,
            options=lambda project_id: self.options,
            scratch=self.folder / "jobs",
        )
        return training.run(taken, lambda stage, share: self.progress.append((stage, share)))


@pytest.fixture
def training(tmp_path: Path) -> Training:
    return Training(tmp_path)


def test_the_click_model_follows_the_pre_labeller(training: Training) -> None:
    result = training.run()
    (info,) = training.store.versions(PROJECT)

    assert result.message == f"Pre-labels are in use. {info.name} is in use: fewer clicks"
    assert result.values == {"active": True, "click_model": f"{info.name} is in use: fewer clicks"}
    assert training.reads == 1
    assert training.progress == [("publishing", 0.6), ("click model", 0.8)]
    assert (training.store.folder(info) / FILES[0]).read_text() == "33.0"


def test_with_few_objects_or_another_interactive_model_there_is_none(training: Training) -> None:
    training.n_pictures = 10
    assert training.run().message == "Pre-labels are in use."
    other = Training(training.folder / "other", options=replace(OPTIONS, interactive_model="graphcut"))
    assert other.run().message == "Pre-labels are in use."
    assert training.store.versions(PROJECT) == other.store.versions(PROJECT) == ()
