"""All that one job trains: the project's pre-labeller, and then its click model if that is due."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from backend.services.click_fit import ClickFit
from backend.services.fit import Reader
from backend.services.job_process import JobResult, ReportProgress
from backend.services.projects import ProjectOptions
from backend.services.training_data import TrainingData
from backend.state.jobs import Job
from models.interactive.clicknet import ClickNetModel

_PRELABELS = 0.6
"""Share of the pre-labeller in the whole."""


class ReadOnce(Reader):
    """Reads the annotations of one project once for all who learn from them. Used by one thread."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._data: TrainingData | None = None

    def read(self, project_id: int, *, report: Callable[[int], None] | None = None) -> TrainingData:
        """All examples of the project; see `TrainingDataReader`."""
        if self._data is None:
            self._data = self._reader.read(project_id, report=report)
        return self._data


class ProjectTraining:
    """Trains a project. The pre-labeller comes first and is in use before the click model is begun.

    Args:
        prelabels: Trains the pre-labeller; see `Fit.run`.
        clicks: Trains the click model.
        reader: Reads the annotations.
        options: What a project wants, by its number.
        scratch: Folder that has one folder per job.
    """

    def __init__(
        self,
        prelabels: Callable[[Job, ReportProgress], JobResult],
        *,
        clicks: ClickFit,
        reader: Reader,
        options: Callable[[int], ProjectOptions],
        scratch: Path,
    ) -> None:
        self._prelabels = prelabels
        self._clicks = clicks
        self._reader = reader
        self._options = options
        self._scratch = scratch

    def run(self, job: Job, report: ReportProgress) -> JobResult:
        """Do the job.

        Args:
            job: As taken; its number names the scratch folder.
            report: Told the progress; what it raises ends the job and passes through.

        Raises:
            MaskloopError: See `Fit.run` and `ClickFit.run`.
        """
        result = self._prelabels(job, lambda stage, share: report(stage, _PRELABELS * share))
        options = self._options(job.project_id)
        if options.interactive_model != ClickNetModel.name:
            return result
        said = self._clicks.run(
            job.project_id,
            lambda: self._reader.read(job.project_id),
            self._scratch / str(job.id) / "click",
            budget_s=options.fit_seconds,
            seed=job.id,
            report=lambda part: report(part.stage, _PRELABELS + (1 - _PRELABELS) * part.done),
        )
        if said is None:
            return result
        return JobResult(f"{result.message} {said}", {**result.values, "click_model": said})
