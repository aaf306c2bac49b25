"""Rules that look for what seldom happens to the objects of a class."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from backend.inspection.base import WARN_AT, DrawnObject, InspectionRule, Issue, Json, Subject, graded

_ITSELF = (1, 1)
_KNOWN = 10
"""Pictures without the event that everybody is taken to have seen before the first one of a project, and with
the event as often as in all classes before the first one of a class."""
RARE = 0.03
"""Share of the pictures with a class in which the event may happen and still be worth a warning."""


@dataclass(frozen=True)
class Event:
    """Something that happened to an object.

    Attributes:
        value: How much of it, greater than 0; 1 is worth a warning.
        message: One plain sentence.
    """

    value: float
    message: str


Events: TypeAlias = list[tuple[DrawnObject, Event]]


class RareEventRule(InspectionRule):
    """Doubts what is plain to see in an object, unless it is usual in its class.

    The severity rises with the event's value, and falls with the share of the other annotated pictures with
    objects of the class in which it happened too. While a class is new, that share is taken to be as in all
    classes.

    Args:
        rare: The share from which on people are no longer told, in (0, 1].
    """

    def __init__(self, *, rare: float = RARE) -> None:
        self._rare = rare

    @abstractmethod
    def events(self, subject: Subject) -> Events:
        """To which objects it happened, at most once to each.

        Args:
            subject: The annotated picture.
        """

    def measure(self, subject: Subject) -> Json:
        """The classes that were drawn, and the events; see the base class."""
        events = []
        for drawn, event in self.events(subject):
            box, name = drawn.region.box, drawn.region.class_name
            events.append([drawn.id, name, list(box), round(event.value, 4), event.message])
        classes = sorted({drawn.region.class_name for drawn in subject.objects})
        return {"classes": classes, "events": events} if classes else {}

    def learn(self, measured: Mapping[str, Json]) -> Json:
        """In how many pictures each class and any is, and in how many with the event; see the base class."""
        classes: dict[str, list[int]] = {}
        for each in measured.values():
            happened = {name for _, name, _, value, _ in each["events"] if graded(value, 1) >= WARN_AT}
            for name in each["classes"]:
                counts = classes.setdefault(name, [0, 0])
                counts[0] += 1
                counts[1] += name in happened
        return {"classes": classes, "all": np.sum(list(classes.values()), axis=0).tolist()}

    def judge(self, key: str, measured: Json, usual: Json) -> list[Issue]:
        """One issue for each event; see the base class."""
        issues = []
        for region_id, name, box, value, message in measured["events"]:
            of_all = _share(usual.get("all", _ITSELF), 0.0)
            elsewhere = _share(usual.get("classes", {}).get(name, _ITSELF), of_all)
            severity = graded(value, 1) * (1 - graded(elsewhere, self._rare))
            issues.append(Issue(self.name, severity, message, (region_id,), tuple(box)))
        return issues


class ObjectEventRule(RareEventRule):
    """A rare-event rule that looks at one object at a time."""

    @abstractmethod
    def event(self, drawn: DrawnObject, subject: Subject) -> Event | None:
        """What happened to an object; None if nothing did.

        Args:
            drawn: The object.
            subject: What it was drawn on.
        """

    def events(self, subject: Subject) -> Events:
        """Those of each object; see the base class."""
        found = ((drawn, self.event(drawn, subject)) for drawn in subject.objects)
        return [(drawn, event) for drawn, event in found if event is not None]


def _share(counts: Sequence[int], expected: float) -> float:
    """In which share of the other pictures the event happened too, given what was expected before."""
    n_pictures, n_happened = counts
    return (max(n_happened - 1, 0) + _KNOWN * expected) / (max(n_pictures - 1, 0) + _KNOWN)
