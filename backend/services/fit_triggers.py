"""From a stored webhook event to a wake-up of the worker, in microseconds and never in anybody's way."""

from __future__ import annotations

import logging

from backend.errors import JobQueueError
from backend.labelstudio.payloads import WebhookEvent
from backend.state.background import Background
from backend.state.job_queue import JobQueue
from backend.state.unread_events import ASKED, CHANGES

logger = logging.getLogger(__name__)

_COLLECT_S = 1.0
"""Events that arrive within this time after a first one wake the worker once."""
_MOST_PROJECTS = 1000


class FitTriggers:
    """Notices events that may lead to a training. Safe between threads.

    The worker decides, from what is stored; this only says which project is worth a look. It does so in a
    thread of its own, so that a slow or missing queue never slows an annotator's submit. What cannot be
    delivered is logged; the worker looks at all projects every minute anyway.

    Args:
        queue: Where the worker listens.
    """

    def __init__(self, queue: JobQueue) -> None:
        self._queue = queue
        self._background = Background("fit-triggers", limit=_MOST_PROJECTS)

    def notice(self, event: WebhookEvent) -> None:
        """Wake the worker if the event changes what can be learned, or asks for it; call it after storing."""
        project_id = event.project_id
        if project_id is None:
            return
        if event.action == ASKED:
            self._background.submit(("asked", project_id), lambda: self._wake(project_id, 0.0))
        elif event.action in CHANGES and not event.skipped:
            self._background.submit(("changed", project_id), lambda: self._wake(project_id, _COLLECT_S))

    def _wake(self, project_id: int, delay_s: float) -> None:
        try:
            self._queue.look(project_id, delay_s)
        except JobQueueError as error:
            logger.warning("Project %d has to wait for the worker's next round: %s", project_id, error)
