"""Objects of another shape than the others of their class."""

from __future__ import annotations

from math import log

import cv2
import numpy as np

from backend.inspection.base import DrawnObject, Subject
from backend.inspection.outliers import NumbersRule
from backend.inspection.usual import Quantity

_FEWEST_POINTS = 16
"""Shorter outlines have no shape beside their pixels."""
_MESSAGES = (
    ("The object is longer or thinner than is usual for", "The object is rounder than is usual for"),
    (
        "The object has fewer dents or gaps than is usual for",
        "The object has more dents or gaps than is usual for",
    ),
)
"""For each quantity, of numbers above and below the median."""


class UnusualShape(NumbersRule):
    """Compares elongation and solidity.

    Elongation is the logarithm of length by width of the smallest rotated rectangle, solidity the share of
    its convex hull that the object fills.
    """

    name = "unusual-shape"
    higher_is_worse_because = "its elongation or solidity differs more from what is usual in its class"

    def quantities(self) -> tuple[Quantity, ...]:
        """See the base class."""
        return (Quantity(least_spread=0.1), Quantity(least_spread=0.03))

    def numbers(self, drawn: DrawnObject, subject: Subject) -> tuple[float, float] | None:
        """Elongation and solidity; see the base class."""
        if len(drawn.ring) < _FEWEST_POINTS:
            return None
        ring = drawn.ring.astype(np.float32)
        _, sides, _ = cv2.minAreaRect(ring)
        hull = cv2.convexHull(ring)
        # The points are pixel centres, half a pixel inside the object all around.
        elongation = log((max(sides) + 1) / (min(sides) + 1))
        n_pixels = cv2.contourArea(hull) + cv2.arcLength(hull, closed=True) / 2 + 1
        return elongation, min(1.0, drawn.region.area / n_pixels)

    def message_about(self, quantity: int, class_name: str, value: float, median: float) -> str:
        """See the base class."""
        return f"{_MESSAGES[quantity][value < median]} {class_name}."
