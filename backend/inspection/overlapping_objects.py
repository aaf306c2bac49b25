"""Objects of one class that lie on each other."""

from __future__ import annotations

from backend.inspection.base import Subject
from backend.inspection.pairs import overlapping_pairs
from backend.inspection.rare_events import RARE, Event, Events, RareEventRule


class OverlappingObjects(RareEventRule):
    """Looks for objects that other objects of their class cover partly, where that seldom happens.

    Args:
        share: Covered share of an object that is worth a warning, in (0, 1).
        rare: See the base class.
    """

    name = "overlapping-objects"
    higher_is_worse_because = (
        "more of it is covered by another object of its class, and fewer pictures have such objects"
    )

    def __init__(self, *, share: float = 0.1, rare: float = RARE) -> None:
        super().__init__(rare=rare)
        self._share = share

    def events(self, subject: Subject) -> Events:
        """Objects that are smaller than the one they lie on; see the base class."""
        worst: dict[int, float] = {}
        for one, other, covered, _ in overlapping_pairs(subject.objects):
            areas = subject.objects[one].region.area, subject.objects[other].region.area
            smaller = one if areas[0] < areas[1] else other
            if subject.objects[one].region.class_name == subject.objects[other].region.class_name:
                worst[smaller] = max(worst.get(smaller, 0.0), covered)
        return [
            (subject.objects[place], Event(covered / self._share, _message(covered)))
            for place, covered in worst.items()
        ]


def _message(covered: float) -> str:
    return f"{covered:.0%} of the object lie on another object of the same class."
