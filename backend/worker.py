"""The composition root of the worker: looks at projects, and trains them one after the other.

It consists of huey's consumer with three threads, so that projects are still looked at while one is trained
and annotations of another are inspected, of one process for the training itself, and of one for inspections.
Only these two load PyTorch.
"""

from __future__ import annotations

import logging
from functools import partial

from backend.errors import JobQueueError
from backend.job_parts import job_queue, label_studio_is_known, project_defaults
from backend.services.fit_planner import FitPlanner
from backend.services.inspection_process import InspectionProcess, InspectProject, MakeInspector
from backend.services.job_process import JobResult, Perform, ReportProgress
from backend.services.job_runner import JobRunner
from backend.services.projects import stored_options
from backend.settings import Settings
from backend.state.database import open_database
from backend.state.inspections_due import InspectionsDue
from backend.state.job_queue import Handlers
from backend.state.jobs import Job, JobStore
from backend.state.project_store import ProjectStore
from backend.state.unread_events import UnreadEvents

logger = logging.getLogger(__name__)

_POLL_S = 0.5
_STOP_S = 20.0
"""For a job to be put back; on an idle machine that takes a moment."""


class Worker:
    """Does the jobs of a service. Several may run; the database sees to it that one job runs at a time.

    Args:
        settings: The only source of configuration.
        perform: Does a job in another process; the default trains the project.
        inspector: Makes what inspects, in another process; the default does so with Label Studio.

    Raises:
        DatabaseError: The database cannot be opened.
        JobQueueError: The job queue cannot be opened.
        MissingExtraError: Redis is wanted and its package is not installed.
    """

    def __init__(
        self, settings: Settings, perform: Perform | None = None, inspector: MakeInspector | None = None
    ) -> None:
        engine = open_database(settings.resolved_database_url)
        jobs, projects, defaults = JobStore(engine), ProjectStore(engine), project_defaults(settings)
        self._queue = job_queue(settings, Handlers(self._look, self._look_at_all, self._run, self._inspect))
        self._planner = FitPlanner(
            UnreadEvents(engine),
            jobs,
            lambda project_id: stored_options(projects, project_id, defaults),
            self._queue,
        )
        self._runner = JobRunner(
            jobs,
            perform or partial(train, settings),
            settings.jobs_dir,
            after=lambda job: self._look_later(job.project_id),
            again=self._run_later,
        )
        self._due = InspectionsDue(engine)
        self._inspects = settings.inspect and label_studio_is_known(settings)
        self._inspections = InspectionProcess(inspector or partial(make_inspector, settings))
        self._consumer = self._queue.huey.create_consumer(
            workers=3, initial_delay=0.1, max_delay=_POLL_S, scheduler_interval=1
        )

    def start(self) -> None:
        """Begin to work, in threads; installs huey's signal handlers, which the caller may replace."""
        self._consumer.start()

    def check(self) -> None:
        """Replace threads that died."""
        self._consumer.check_worker_health()

    def stop(self) -> None:
        """End the running job, which the next worker goes on with, and take no other."""
        self._consumer.stop()
        self._runner.stop(_STOP_S)
        self._inspections.stop(_STOP_S)

    def _look(self, project_id: int) -> None:
        self._planner.look(project_id)

    def _look_at_all(self) -> None:
        self._planner.look_at_all()
        for project_id in self._due.projects() if self._inspects else ():
            self._inspect_later(project_id)
        self._runner.run_waiting()

    def _run(self) -> None:
        self._runner.run_waiting()

    def _inspect(self, project_id: int) -> None:
        if self._inspects:
            self._inspections.inspect(project_id)

    def _inspect_later(self, project_id: int) -> None:
        try:
            self._queue.inspect(project_id)
        except JobQueueError as error:
            logger.warning("%s The next round inspects it.", error)

    def _look_later(self, project_id: int) -> None:
        try:
            self._queue.look(project_id)
        except JobQueueError as error:
            logger.warning("%s The next round looks at it.", error)

    def _run_later(self, delay_s: float) -> None:
        try:
            self._queue.run(delay_s)
        except JobQueueError as error:
            logger.warning("%s The next round looks at it.", error)


def train(settings: Settings, job: Job, report: ReportProgress) -> JobResult:
    """Train a project, in the process of the job.

    Args:
        settings: As the worker's.
        job: As taken.
        report: Told the progress.

    Raises:
        MaskloopError: See `Fit.run`.
    """
    from backend.training import train_project  # loads PyTorch, which the waiting worker does without

    return train_project(settings, job, report)


def make_inspector(settings: Settings) -> InspectProject:
    """Make what inspects projects, in the process of the inspections.

    Args:
        settings: As the worker's.

    Raises:
        MaskloopError: See `Inspecting`.
    """
    from backend.inspecting import Inspecting  # loads PyTorch

    return Inspecting(settings).inspect_due
