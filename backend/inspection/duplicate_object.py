"""Objects that were drawn twice."""

from __future__ import annotations

from backend.inspection.base import Issue, PlainRule, Subject
from backend.inspection.pairs import overlapping_pairs


class DuplicateObject(PlainRule):
    """Looks for two objects, of whatever class, that are nearly the same pixels.

    Args:
        iou: Intersection over union from which on it is worth a warning, in (0, 1).
    """

    name = "duplicate-object"
    higher_is_worse_because = "it is more nearly the same pixels as another one"

    def __init__(self, *, iou: float = 0.75) -> None:
        self._iou = iou

    def inspect(self, subject: Subject) -> list[Issue]:
        """One issue for each object that repeats an earlier one; see the base class."""
        worst: dict[int, Issue] = {}
        for earlier, later, _, iou in overlapping_pairs(subject.objects):
            if iou >= self._iou and (later not in worst or iou > worst[later].severity):
                one, other = subject.objects[earlier], subject.objects[later]
                message = f"Two objects are nearly the same: {iou:.0%} of their pixels together are in both."
                worst[later] = Issue(self.name, iou, message, (one.id, other.id), other.region.box)
        return list(worst.values())
