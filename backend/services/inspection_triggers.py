"""From a webhook event to an inspection in the worker, in microseconds and never in anybody's way."""

from __future__ import annotations

import logging
import threading
import time

from backend.errors import JobQueueError
from backend.labelstudio.payloads import WebhookEvent
from backend.labelstudio.submissions import ANNOTATIONS_DELETED, SUBMITTED, TASKS_DELETED
from backend.state.background import Background
from backend.state.inspections_due import ChangedTasks
from backend.state.job_queue import JobQueue

logger = logging.getLogger(__name__)

_MOST_PROJECTS = 1000
_WARM_S = 600.0
"""So long after somebody opened a project, whatever inspects it is taken to be ready."""


class InspectionTriggers:
    """Notices events after which something has to be inspected. Safe between threads.

    What has to be inspected is stored with the event; this only wakes the worker, in a thread of its own.
    What cannot be delivered is logged; the worker looks every minute anyway.

    Args:
        queue: Where the worker listens.
    """

    def __init__(self, queue: JobQueue) -> None:
        self._queue = queue
        self._background = Background("inspection-triggers", limit=_MOST_PROJECTS)
        self._lock = threading.Lock()
        self._warmed: dict[int, float] = {}  # when, time.monotonic()

    def notice(self, event: WebhookEvent) -> None:
        """Wake the worker if annotations changed; call it after storing."""
        project_id = event.project_id
        if project_id is not None and event.action in (*SUBMITTED, ANNOTATIONS_DELETED):
            self._background.submit(project_id, lambda: self._wake(project_id))

    def warm_up(self, project_id: int) -> None:
        """Let the worker get ready, as somebody opened the project: a first inspection takes seconds more."""
        now = time.monotonic()
        with self._lock:
            if now - self._warmed.get(project_id, -_WARM_S) < _WARM_S:
                return
            self._warmed[project_id] = now
        self._background.submit(project_id, lambda: self._wake(project_id))

    def _wake(self, project_id: int) -> None:
        try:
            self._queue.inspect(project_id)
        except JobQueueError as error:
            logger.warning("Project %d has to wait for the worker's next round: %s", project_id, error)


def changed_tasks(event: WebhookEvent) -> ChangedTasks:
    """What an event says about annotations. A skip takes one away."""
    if event.action == ANNOTATIONS_DELETED:
        return ChangedTasks(deleted_annotations=event.annotation_ids)
    if event.action == TASKS_DELETED:
        return ChangedTasks(deleted_tasks=event.task_ids)
    return ChangedTasks(event.task_ids if event.action in SUBMITTED else ())
