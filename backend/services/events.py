"""Webhook events: kept, counted, answered at once; the work they cause happens elsewhere."""

import logging

from backend.labelstudio.payloads import WebhookEvent
from backend.observability import Metrics
from backend.state.event_inbox import EventInbox

logger = logging.getLogger(__name__)


class Events:
    """Stores what Label Studio reports. Safe between threads."""

    def __init__(self, inbox: EventInbox, metrics: Metrics) -> None:
        self._inbox = inbox
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
            body=event.body,
        )
        self._metrics.events.labels(event.action if event.known else "unknown").inc()
        logger.info("Event %d: %s in project %s", number, event.action, event.project_id)
        return number
