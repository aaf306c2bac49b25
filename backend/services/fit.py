"""One training of a project: read, learn, judge, publish, and use it if the gate lets it pass.

Every step can be stopped and done again. What a fit is made of is written down first, so that a later start
goes on with what the killed one has learned only if it would learn the same; its outcome is written down
before it is published, so that publishing it twice makes one version.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from backend.errors import ModelStoreError, NothingAnnotatedError
from backend.services.fit_scratch import WORK, Outcome, begin, made_of, read_outcome, write_outcome
from backend.services.job_process import JobResult, ReportProgress
from backend.services.project_models import KIND, fits
from backend.services.projects import ProjectOptions
from backend.services.training_data import TrainingData
from backend.state.active_versions import ActiveVersions
from backend.state.jobs import Job
from backend.state.model_store import ModelStore, VersionInfo
from models.errors import TooFewExamplesError, WeightsError, WeightsNotFoundError
from models.label_schema import LabelSchema
from models.prelabel.base import PreLabeller
from models.training.prelabel_fit import ActiveModel, FitOutcome, fit_seconds

logger = logging.getLogger(__name__)

_READ, _LEARNED = 0.02, 0.99
"""Shares of the whole when the annotations are read, and when the model is there."""


class Reader(Protocol):
    """Reads what a project's annotators submitted; see `TrainingDataReader`."""

    def read(self, project_id: int, *, report: Callable[[int], None] | None = None) -> TrainingData:
        """All examples of the project."""


class Fit:
    """Trains the pre-labeller of a project. Used by one thread.

    Args:
        reader: Reads the annotations.
        learn: Trains and judges; `fit_prelabeller`, or something of the same signature.
        store: Takes the version.
        active: Which version is in use.
        options: What a project wants, by its number.
        baseline: The pre-labeller of a name that needs no training, loaded.
        open_version: Makes the model of a version from its folder and its name.
        scratch: Folder that has one folder per job.
        cap_s: About how long a training may take at most, however many pictures there are.
    """

    def __init__(
        self,
        *,
        reader: Reader,
        learn: Callable[..., FitOutcome],
        store: ModelStore,
        active: ActiveVersions,
        options: Callable[[int], ProjectOptions],
        baseline: Callable[[str], PreLabeller],
        open_version: Callable[[Path, str], PreLabeller],
        scratch: Path,
        cap_s: float,
    ) -> None:
        self._reader = reader
        self._learn = learn
        self._store = store
        self._active = active
        self._options = options
        self._baseline = baseline
        self._open_version = open_version
        self._scratch = scratch
        self._cap_s = cap_s

    def run(self, job: Job, report: ReportProgress) -> JobResult:
        """Do the job.

        Args:
            job: As taken; its number names the scratch folder.
            report: Told the progress; what it raises ends the job and passes through.

        Returns:
            The version's name, whether it is in use, and the gate's reason.

        Raises:
            LabelStudioError: The annotations cannot be read.
            LabelConfigError: The labelling config cannot be used.
            ModelStoreError: The version cannot be stored.
            TrainingRunError: The scratch folder cannot be written.
            DatabaseError: The database fails.
        """
        folder = self._scratch / str(job.id)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            outcome = read_outcome(folder) or self._learned(job, folder, report)
        except (NothingAnnotatedError, TooFewExamplesError) as error:
            return JobResult(str(error), {"version": None, "active": False})
        report("publishing", _LEARNED)
        info = self._store.publish(job.project_id, outcome.model, outcome.facts)
        gate = outcome.facts.gate
        passed, reason = bool(gate["passed"]), str(gate["reason"])
        if passed:
            self._active.activate(job.project_id, KIND, info.name, f"gate passed: {reason}")
        verdict = "is in use" if passed else "is kept but not used"
        return JobResult(
            f"{info.name} {verdict}: {reason}", {"version": info.name, "active": passed, "reason": reason}
        )

    def _learned(self, job: Job, folder: Path, report: ReportProgress) -> Outcome:
        """Read, learn and judge; what is to be published is on the disk then."""
        report("reading the annotations", 0.0)
        data = self._reader.read(job.project_id, report=lambda _count: report("reading the annotations", 0.0))
        options = self._options(job.project_id)
        used = self._used(job.project_id)
        parent = used if used is not None and used.info.schema == data.schema else None
        name = None if parent is None else parent.info.name
        begin(folder, made_of(data.examples, data.schema, name))
        outcome = self._learn(
            data.examples,
            data.schema,
            folder / WORK,
            warm_start=None if parent is None else parent.folder,
            active=None if used is None else used.compared(data.schema),
            baseline=self._baseline(options.prelabeller),
            budget_s=fit_seconds(len(data.examples), options.fit_seconds, self._cap_s),
            seed=job.id,
            report=lambda part: report(part.stage, _READ + (_LEARNED - _READ) * part.done),
        )
        return write_outcome(folder, outcome, data.schema, parent=name, kind=KIND, source=data.source)

    def _used(self, project_id: int) -> _Used | None:
        """The version in use; None if there is none that can be read."""
        name = self._active.active(project_id, KIND)
        try:
            info = None if name is None else self._store.find(project_id, name)
            if info is None:
                return None
            folder = self._store.folder(info)
            model = self._open_version(folder, info.name)
            model.load()
        except (ModelStoreError, WeightsError, WeightsNotFoundError) as error:
            logger.error("Training begins without the version in use: %s", error)
            return None
        return _Used(info, folder, model)


@dataclass(frozen=True)
class _Used:
    """The version in use: what is known of it, its folder, and its model, loaded."""

    info: VersionInfo
    folder: Path
    model: PreLabeller

    def compared(self, schema: LabelSchema) -> ActiveModel | None:
        """What the candidate is compared with, if what this version says can still be said."""
        if not fits(self.info.schema, schema):
            return None
        shortfall = self.info.gate.get("figures", {}).get("shortfall", 0.0)  # older versions have none
        return ActiveModel(self.model, frozenset(self.info.trained_on), shortfall)
