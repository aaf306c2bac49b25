"""Webhook events: kept, counted, answered at once; the work they cause happens elsewhere."""

import logging
from collections.abc import Callable

from backend.labelstudio.payloads import WebhookEvent
from backend.observability import Metrics
from backend.services.inspection_triggers import changed_tasks
from backend.services.sequences import SequenceFields, frame_changes
from backend.state.event_inbox import EventInbox

logger = logging.getLogger(__name__)


class Events:
    """Stores what Label Studio reports. Safe between threads.

    Args:
        inbox: Where events are kept.
        metrics: Counts them.
        sequences: Where tasks say which sequence they are of.
        notice: Told about each one that was stored; must not wait for anything.
        inspect: Whether changed annotations are to be inspected.
    """

    def __init__(
        self,
        inbox: EventInbox,
        metrics: Metrics,
        sequences: SequenceFields,
        notice: Callable[[WebhookEvent], None] | None = None,
        *,
        inspect: bool = False,
    ) -> None:
        self._inbox = inbox
        self._sequences = sequences
        self._notice = notice
        self._inspect = inspect
        self._metrics = metrics

    def store(self, event: WebhookEvent) -> int:
        """Keep the event durably and return its number.

        Raises:
            DatabaseError: It could not be stored; Label Studio does not send it again.
        """
        number = self._inbox.add(
            action=event.action,
            project_id=event.project_id,
            task_ids=event.task_ids,
            annotation_ids=event.annotation_ids,
            skipped=event.skipped,
            chosen_version=event.chosen_version,
            body=event.body,
            frames=frame_changes(event, self._sequences),
            inspect=changed_tasks(event) if self._inspect else None,
        )
        if self._notice is not None:
            self._notice(event)
        self._metrics.events.labels(event.action if event.known else "unknown").inc()
        logger.info("Event %d: %s in project %s", number, event.action, event.project_id)
        return number
