"""One training of a project's click model: when there is enough that is new, and until it is published."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from backend.errors import ModelStoreError, NothingAnnotatedError
from backend.services.fit_scratch import WORK, begin, made_of, read_outcome, write_outcome
from backend.services.project_click_models import KIND
from backend.services.training_data import TrainingData
from backend.state.active_versions import ActiveVersions
from backend.state.model_store import ModelStore
from models.errors import TooFewExamplesError
from models.interactive.clicknet import WEIGHTS
from models.training.click_fit import FEWEST_OBJECTS, count_objects, fit_click_model
from models.training.fit_progress import Report
from models.training.prelabel_fit import FitOutcome

logger = logging.getLogger(__name__)

_GROWTH = 1.25
"""So many times the objects of the last training are enough for another one."""


class ClickFit:
    """Trains the click model of a project. Used by one thread.

    Args:
        store: Takes the version.
        active: Which version is in use.
        shipped: Weights that projects without a model of their own use; None for those of this package.
        learn: Trains and judges; `fit_click_model`, or something of the same signature.
    """

    def __init__(
        self,
        *,
        store: ModelStore,
        active: ActiveVersions,
        shipped: Path | None = None,
        learn: Callable[..., FitOutcome] = fit_click_model,
    ) -> None:
        self._learn = learn
        self._store = store
        self._active = active
        self._shipped = shipped or WEIGHTS

    def due(self, project_id: int, data: TrainingData) -> bool:
        """Whether the project has 50 outlined objects, and a quarter more than its last click model saw.

        Args:
            project_id: Label Studio's number of the project.
            data: What there is to learn from.
        """
        versions = (info for info in self._store.versions(project_id) if info.kind == KIND)
        newest = next(versions, None)
        learned = 0 if newest is None else newest.metrics.get("objects", 0)
        return count_objects(data.examples) >= max(FEWEST_OBJECTS, _GROWTH * learned)

    def run(
        self,
        project_id: int,
        read: Callable[[], TrainingData],
        folder: Path,
        *,
        budget_s: float,
        seed: int,
        report: Report,
    ) -> str | None:
        """Train, judge and publish, if it is due; use the version if the gate lets it pass.

        Called again with the same folder after the process was killed, it goes on: once it has begun, it is
        not asked again whether it is due, and publishing twice makes one version.

        Args:
            project_id: Label Studio's number of the project.
            read: Reads what there is to learn from; not called if only the publishing is left.
            folder: The job's scratch folder for this training alone.
            budget_s: About how long it may take.
            seed: Of everything random.
            report: Told the progress; what it raises ends the training and passes through.

        Returns:
            What came out, in a sentence; None if it is not due.

        Raises:
            LabelStudioError: The annotations cannot be read.
            LabelConfigError: The labelling config cannot be used.
            ModelStoreError: The version cannot be stored.
            TrainingRunError: The folder cannot be written.
            WeightsError: The shipped weights cannot be read.
            DatabaseError: The database fails.
        """
        outcome = read_outcome(folder)
        if outcome is None:
            try:
                data = read()
            except NothingAnnotatedError:
                return None
            if not folder.exists() and not self.due(project_id, data):
                return None
            folder.mkdir(parents=True, exist_ok=True)
            used = self._used(project_id)
            parent = None if used is None else used.name
            begin(folder, made_of(data.examples, data.schema, parent))
            try:
                made = self._learn(
                    data.examples,
                    folder / WORK,
                    active=used,
                    budget_s=budget_s,
                    seed=seed,
                    report=report,
                    shipped=self._shipped,
                )
            except TooFewExamplesError as error:
                return str(error)
            outcome = write_outcome(folder, made, data.schema, parent=parent, kind=KIND, source=data.source)
        info = self._store.publish(project_id, outcome.model, outcome.facts)
        gate = outcome.facts.gate
        if gate["passed"]:
            self._active.activate(project_id, KIND, info.name, f"gate passed: {gate['reason']}")
        return f"{info.name} {'is in use' if gate['passed'] else 'is kept but not used'}: {gate['reason']}"

    def _used(self, project_id: int) -> Path | None:
        """Folder of the version in use, which has its name; None if there is none that can be read."""
        name = self._active.active(project_id, KIND)
        try:
            info = None if name is None else self._store.find(project_id, name)
            return None if info is None else self._store.folder(info)
        except ModelStoreError as error:
            logger.error("The click model's training begins without the version in use: %s", error)
            return None
