"""The worker's look at a project: whether its changes are worth a training now, or when they will be."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timezone

from backend.services.fit_rule import Past, decide
from backend.services.projects import ProjectOptions
from backend.state.job_queue import JobQueue
from backend.state.jobs import JobStore
from backend.state.unread_events import UnreadEvents

logger = logging.getLogger(__name__)

_RECENT = 12
"""Latest jobs of a project among which failures are counted."""


class FitPlanner:
    """Turns stored events into jobs. Safe between threads and processes: looking twice makes one job.

    Args:
        events: What happened.
        jobs: Where jobs are asked for.
        options: What a project wants, by its number.
        queue: Woken when there is a job, and for the next look.
        now: The time in UTC.
    """

    def __init__(
        self,
        events: UnreadEvents,
        jobs: JobStore,
        options: Callable[[int], ProjectOptions],
        queue: JobQueue,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self._events = events
        self._jobs = jobs
        self._options = options
        self._queue = queue
        self._now = now

    def look_at_all(self) -> None:
        """Look at every project that ever sent an event; nothing is lost with a lost wake-up.

        Raises:
            DatabaseError: The database fails.
            JobQueueError: A wake-up could not be sent.
        """
        for project_id in self._events.projects():
            self.look(project_id)

    def look(self, project_id: int) -> None:
        """Ask for a training if it is time, or for another look when it may be.

        Raises:
            DatabaseError: The database fails.
            JobQueueError: A wake-up could not be sent.
        """
        options = self._options(project_id)
        if not options.learn:
            return
        recent = self._jobs.newest(_RECENT, project_id)
        if recent and recent[0].state == "queued":
            return
        failed = recent[: next((i for i, job in enumerate(recent) if job.state != "failed"), len(recent))]
        good = self._jobs.last_not_failed(project_id)
        past = Past(
            begun_at=None if good is None else good.started_at or good.created_at,
            failures=len(failed),
            failed_at=failed[0].finished_at if failed else None,
        )
        decision = decide(
            self._events.since(project_id, good.newest_event if good else 0, options.fit_after),
            past,
            self._now(),
            asked=self._events.asked_since(project_id, recent[0].newest_event if recent else 0),
            fit_after=options.fit_after,
            fit_quiet_s=options.fit_quiet_s,
        )
        if decision.reason is not None:
            job = self._jobs.queue(project_id, decision.reason)
            if job is not None:
                logger.info("Job %d: project %d will be trained: %s", job.id, project_id, decision.reason)
            self._queue.run()
        elif decision.again_s is not None:
            self._queue.look(project_id, decision.again_s)
