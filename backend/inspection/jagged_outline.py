"""Objects with a frayed outline."""

from __future__ import annotations

from math import log

from backend.inspection.base import DrawnObject, Subject
from backend.inspection.outliers import OutlierRule
from backend.inspection.outlines import length, smoothed

_FEWEST_POINTS = 30
"""Shorter outlines have no shape beside their pixels."""


class JaggedOutline(OutlierRule):
    """Compares the length of the outline with that of the same outline smoothed, on a logarithmic scale."""

    name = "jagged-outline"
    higher_is_worse_because = (
        "its outline is longer than the same outline smoothed, more than usual in its class"
    )
    least_spread = 0.015
    below = False

    def number(self, drawn: DrawnObject, subject: Subject) -> float | None:
        """How much longer the outline is; see the base class."""
        ring = drawn.ring
        if drawn.is_box or len(ring) < _FEWEST_POINTS:
            return None
        return log(length(smoothed(ring, 1.0)) / length(smoothed(ring, 5.0)))

    def message(self, class_name: str, value: float, median: float) -> str:
        """See the base class."""
        return f"The outline is more jagged than is usual for {class_name}."
