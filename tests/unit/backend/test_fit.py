from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.errors import NothingAnnotatedError
from backend.services.fit import Fit
from backend.services.project_models import KIND
from backend.services.projects import ProjectOptions
from backend.services.training_data import TrainingData
from backend.state.active_versions import ActiveVersions
from backend.state.database import open_database
from backend.state.jobs import Job, JobStore
from backend.state.model_store import ModelStore
from models.arrays import Image, Mask
from models.errors import TooFewExamplesError, WeightsError
from models.label_schema import LabelSchema
from models.prelabel.base import PreLabeller, PreLabels
from models.prelabel.otsu import Otsu
from models.regions import Region
from models.training.examples import Example
from models.training.prelabel_fit import FitOutcome, FitProgress, GateDecision

CELLS = LabelSchema(("cell",))


class Opened(PreLabeller):
    name = "opened"

    def __init__(self, folder: Path, version: str) -> None:
        self.folder = folder
        self.version = version

    def predict(self, image: Image) -> PreLabels:
        return PreLabels((), (), 0.0)


class Unreadable(Opened):
    def load(self) -> None:
        raise WeightsError("another release wrote it")


class Learner:
    """Learns nothing, but leaves files; remembers how it was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.found: list[list[str]] = []
        self.passes = True

    def __call__(
        self, examples: tuple[Example, ...], schema: LabelSchema, scratch: Path, **how: Any
    ) -> FitOutcome:
        self.asked.append(how)
        self.found.append(sorted(path.name for path in scratch.glob("*")))
        model = scratch / "model"
        model.mkdir(parents=True, exist_ok=True)
        (scratch / "checkpoint").touch()
        how["report"](FitProgress("learning", 0.5))
        (model / "weights.safetensors").write_text(f"weights {len(self.asked)}")
        (model / "network.json").write_text("{}")
        gate = GateDecision(self.passes, "as it was told", {"dice": 0.9, "shortfall": 0.004}, ("a",))
        return FitOutcome(model, gate, tuple(each.key for each in examples), ("b",), {"steps": 3})


class Project:
    """Project 7 with its store and database; what annotators said may be changed."""

    def __init__(self, folder: Path) -> None:
        engine = open_database(f"sqlite:///{folder / 'db.sqlite3'}")
        self.jobs = JobStore(engine)
        self.store = ModelStore(folder / "versions")
        self.active = ActiveVersions(engine)
        self.scratch = folder / "jobs"
        self.learner = Learner()
        self.schema = CELLS
        self.masks: list[Mask] = [np.ones((4, 4), dtype=bool)]
        self.stages: list[tuple[str, float]] = []
        self.fit = self.new_fit(self.learner)

    def new_fit(self, learn: Callable[..., FitOutcome], open_version: type[Opened] = Opened) -> Fit:
        return Fit(
            reader=self,
            learn=learn,
            store=self.store,
            active=self.active,
            options=lambda number: ProjectOptions("otsu", "clicknet", (), fit_seconds=40),
            baseline=lambda name: Otsu(),
            open_version=open_version,
            scratch=self.scratch,
            cap_s=900,
        )

    def read(self, project_id: int, *, report: Callable[[int], None] | None = None) -> TrainingData:
        if not self.masks:
            raise NothingAnnotatedError("Project 7 holds nothing to learn from.")
        examples = tuple(
            Example(
                f"task-{n}",
                f"task-{n}",
                lambda: np.zeros((9, 9, 3), np.uint8),
                (Region(mask, 0, 0, "cell"),),
                {},
            )
            for n, mask in enumerate(self.masks)
        )
        return TrainingData(examples, self.schema, "api", {}, 1)

    def job(self) -> Job:
        self.jobs.queue(7, "asked")
        job = self.jobs.take()
        assert job is not None
        return job

    def report(self, stage: str, share: float) -> None:
        self.stages.append((stage, share))

    def run(self, job: Job | None = None) -> dict[str, Any]:
        job = job or self.job()
        result = self.fit.run(job, self.report)
        self.jobs.finish(job, "done", result.message, result.values)
        return dict(result.values)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_a_model_that_passes_the_gate_is_published_and_used(project: Project) -> None:
    result = project.run()
    [info] = project.store.versions(7)
    assert result == {"version": info.name, "active": True, "reason": "as it was told"}
    assert project.active.active(7, KIND) == info.name
    assert (info.schema, info.trained_on, info.held_out, info.source) == (CELLS, ("task-0",), ("b",), "api")
    assert info.gate == {
        "passed": True,
        "reason": "as it was told",
        "figures": {"dice": 0.9, "shortfall": 0.004},
        "compared": ["a"],
    }


def test_a_model_that_does_not_pass_is_kept_and_not_used(project: Project) -> None:
    project.learner.passes = False
    result = project.run()
    assert result["active"] is False
    assert [info.name for info in project.store.versions(7)] == [result["version"]]
    assert project.active.active(7, KIND) is None


def test_the_next_training_goes_on_from_the_version_in_use_and_is_compared_with_it(project: Project) -> None:
    first, second = project.run(), project.run()
    begun, gone_on = project.learner.asked
    assert (begun["warm_start"], begun["active"]) == (None, None)
    assert gone_on["warm_start"].name == gone_on["active"].model.version == first["version"]
    assert gone_on["active"].trained_on == {"task-0"}
    assert gone_on["active"].shortfall == 0.004
    parents = {info.name: info.parent for info in project.store.versions(7)}
    assert parents == {first["version"]: None, second["version"]: first["version"]}


def test_other_labels_begin_anew_and_a_version_that_fits_no_more_is_not_compared(project: Project) -> None:
    project.run()
    project.schema = LabelSchema(("cell", "nucleus"))
    project.run()
    project.schema = LabelSchema(("nucleus",))
    project.run()
    _, grown, other = project.learner.asked
    assert grown["warm_start"] is None and grown["active"] is not None
    assert other["warm_start"] is None and other["active"] is None


def test_a_damaged_version_in_use_does_not_stop_the_training(project: Project) -> None:
    first = project.run()
    (project.store._root / "7" / first["version"] / "weights.safetensors").write_text("rot")
    assert project.run()["active"]
    assert project.learner.asked[1]["active"] is None


def test_a_version_of_another_release_in_use_does_not_stop_the_training(project: Project) -> None:
    first = project.run()
    project.fit = project.new_fit(project.learner, Unreadable)
    second = project.run()
    begun_anew = project.learner.asked[1]
    assert second["active"] and second["version"] != first["version"]
    assert (begun_anew["warm_start"], begun_anew["active"]) == (None, None)


@pytest.mark.parametrize(
    "learn",
    [None, TooFewExamplesError("Nothing to learn from: no picture can be read")],
    ids=["nothing annotated", "too few"],
)
def test_nothing_to_learn_from_is_an_end_like_another(project: Project, learn: Exception | None) -> None:
    if learn is None:
        project.masks = []

    def too_few(*_: Any, **__: Any) -> FitOutcome:
        assert learn is not None
        raise learn

    result = project.new_fit(too_few).run(project.job(), project.report)
    assert result.values == {"version": None, "active": False}
    assert "to learn from" in result.message


class Killed(BaseException):
    pass


@pytest.mark.parametrize("step", ["publish", "activate", "after"])
def test_a_fit_that_was_killed_at_the_end_makes_one_version(
    project: Project, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    project.run()
    job = project.job()
    target = {"publish": project.store, "activate": project.active, "after": project.active}[step]
    method = "publish" if step == "publish" else "activate"
    real = getattr(target, method)

    def killed(*arguments: Any) -> None:
        if step != "activate":
            real(*arguments)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(target, method, killed)
        with pytest.raises(Killed):
            project.fit.run(job, project.report)
    result = project.run(job)
    assert len(project.store.versions(7)) == 2
    assert project.active.active(7, KIND) == result["version"]
    assert len(project.learner.asked) == 2, "nothing was learned twice"


def kill_while_learning(project: Project, job: Job) -> None:
    def killed(stage: str, share: float) -> None:
        if stage == "learning":
            raise Killed

    with pytest.raises(Killed):
        project.fit.run(job, killed)


def test_a_fit_that_was_killed_while_learning_goes_on_with_what_it_has(project: Project) -> None:
    job = project.job()
    kill_while_learning(project, job)
    project.run(job)
    assert project.learner.found[1] == ["checkpoint", "model"]
    assert {how["seed"] for how in project.learner.asked} == {job.id}


@pytest.mark.parametrize("change", ["another mask", "another picture", "another label"])
def test_a_fit_that_would_learn_something_else_begins_anew(project: Project, change: str) -> None:
    job = project.job()
    kill_while_learning(project, job)
    if change == "another mask":
        project.masks = [np.tri(4, 4, dtype=bool)]
    elif change == "another picture":
        project.masks = [*project.masks, *project.masks]
    else:
        project.schema = LabelSchema(("nucleus",))
    project.run(job)
    assert project.learner.found[1] == []


def test_the_time_follows_the_projects_options(project: Project) -> None:
    project.run()
    assert project.learner.asked[0]["budget_s"] == 40
    project.masks *= 200
    project.run()
    assert project.learner.asked[1]["budget_s"] == pytest.approx(80)


def test_progress_rises_from_reading_to_publishing(project: Project) -> None:
    project.run()
    shares = [share for _, share in project.stages]
    assert shares == sorted(shares)
    assert [stage for stage, _ in project.stages] == ["reading the annotations", "learning", "publishing"]
