"""What annotators submitted in a project, as far as webhooks told: for services without an API key.

Events are replayed in order of arrival: the last one that holds an annotation tells what it is now. Numbers
are never used twice, so whatever was deleted stays deleted, even if its last change arrives late. Task data
is that of the annotation's event; later changes of it send none. What was annotated before the webhook
existed is not known here.

Only the bodies of events that still count are read, and only some at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from backend.errors import NothingAnnotatedError
from backend.labelstudio.submissions import (
    ANNOTATIONS_DELETED,
    SUBMITTED,
    TASKS_DELETED,
    AnnotatedTask,
    annotated_task,
    told_annotations,
)
from backend.state.event_inbox import EventInbox

_TASKS_AT_ONCE = 50

Json = Mapping[str, Any]
_Told = tuple[int, Json, Json]
"""Number of an event, a task and one of its annotations."""


@dataclass
class _Current:
    """Which events still count.

    Attributes:
        event_of: Number of the event that tells an annotation's state, by the annotation's number.
        task_of: Number of the task, by the number of an event about one annotation; others are missing.
        deleted_tasks: Numbers of tasks that are gone.
    """

    event_of: dict[int, int] = field(default_factory=dict)
    task_of: dict[int, int] = field(default_factory=dict)
    deleted_tasks: set[int] = field(default_factory=set)


class InboxAnnotations:
    """Reads projects from the webhook inbox. Safe between threads."""

    def __init__(self, inbox: EventInbox) -> None:
        self._inbox = inbox

    def label_config(self, project_id: int) -> str:
        """The project's labelling config, XML: that of the newest event, as changing it sends one too.

        Raises:
            NothingAnnotatedError: No event has told it.
            DatabaseError: The database cannot be read.
        """
        newest = self._inbox.newest(project_id)
        project = self._inbox.bodies([newest]).get(newest, {}).get("project")
        config = project.get("label_config") if isinstance(project, dict) else None
        if not isinstance(config, str):
            raise NothingAnnotatedError(
                f"No webhook has told what project {project_id} is about. Check that its webhook sends all "
                "actions with their payload, or set MASKLOOP_LABEL_STUDIO_API_KEY."
            )
        return config

    def tasks(self, project_id: int) -> Iterator[AnnotatedTask]:
        """The tasks that have an annotation, in order of their numbers.

        Raises:
            DatabaseError: The database cannot be read.
        """
        current = self._replay(project_id)
        together = self._from_lists(current)
        alone: dict[int, list[int]] = {}
        for event in set(current.event_of.values()) & current.task_of.keys():
            alone.setdefault(current.task_of[event], []).append(event)
        numbers = iter(sorted({*alone, *together} - current.deleted_tasks))
        while chunk := list(islice(numbers, _TASKS_AT_ONCE)):
            bodies = self._inbox.bodies([event for number in chunk for event in alone.get(number, ())])
            for number in chunk:
                events = alone.get(number, ())
                told = [each for event in events for each in _told(event, bodies[event], current)]
                told += together.get(number, [])
                if told:
                    _, task, _ = max(told, key=lambda each: each[0])
                    yield annotated_task(number, task, [annotation for _, _, annotation in told])

    def _replay(self, project_id: int) -> _Current:
        current = _Current()
        deleted: set[int] = set()
        for event in self._inbox.events(project_id, (*SUBMITTED, ANNOTATIONS_DELETED, TASKS_DELETED)):
            if event.action == ANNOTATIONS_DELETED:
                deleted.update(event.annotation_ids)
            elif event.action == TASKS_DELETED:
                current.deleted_tasks.update(event.task_ids)
            else:
                current.event_of.update(dict.fromkeys(event.annotation_ids, event.number))
                if len(event.task_ids) == len(event.annotation_ids) == 1:
                    current.task_of[event.number] = event.task_ids[0]
        for number in deleted & current.event_of.keys():
            del current.event_of[number]
        return current

    def _from_lists(self, current: _Current) -> dict[int, list[_Told]]:
        """What events about several annotations tell, by task."""
        found: dict[int, list[_Told]] = {}
        for event in sorted(set(current.event_of.values()) - current.task_of.keys()):
            for told in _told(event, self._inbox.bodies([event])[event], current):
                found.setdefault(told[1]["id"], []).append(told)
        return found


def _told(event: int, body: Json, current: _Current) -> Iterator[_Told]:
    """The annotations of an event that tells their state; those whose task it does not hold are left out."""
    for task, annotation in told_annotations(body):
        if current.event_of.get(annotation["id"]) == event:
            yield event, task, annotation
