"""Objects with too few corners."""

from __future__ import annotations

from math import log, pi, sqrt

import cv2
import numpy as np

from backend.inspection.base import DrawnObject, Subject
from backend.inspection.outliers import OutlierRule

_TOLERANCE = 1.0
"""Pixels: what the raster hides."""
_FEWEST_POINTS = 40
"""In shorter outlines, round objects have no more corners than coarse ones."""


class CoarseOutline(OutlierRule):
    """Compares the number of corners with that of a circle as long, on a logarithmic scale.

    Corners are those that are left when the outline may move by a pixel (Douglas and Peucker 1973). A circle
    of perimeter P keeps about pi * sqrt(P / (4 pi)) of them, so outlines of all sizes are comparable.
    """

    name = "coarse-outline"
    higher_is_worse_because = "its outline has fewer corners for its length than usual in its class"
    least_spread = 0.12
    above = False

    def number(self, drawn: DrawnObject, subject: Subject) -> float | None:
        """Corners relative to a circle; see the base class."""
        ring = drawn.ring
        if drawn.is_box or len(ring) < _FEWEST_POINTS:
            return None
        corners = cv2.approxPolyDP(ring.astype(np.float32)[:, None], _TOLERANCE, closed=True)
        circle = pi * sqrt(len(ring) / (4 * pi * _TOLERANCE))
        return log(len(corners) / circle)

    def message(self, class_name: str, value: float, median: float) -> str:
        """See the base class."""
        return f"The outline is coarser or smoother than is usual for {class_name}."
