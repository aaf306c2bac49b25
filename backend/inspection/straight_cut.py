"""Objects that end in a straight line inside the picture."""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.typing import NDArray

from backend.inspection.base import DrawnObject, Subject
from backend.inspection.outliers import OutlierRule
from backend.inspection.outlines import on_border


class StraightCut(OutlierRule):
    """Compares the longest horizontal or vertical piece of the outline with the object's extent.

    A mask that was clipped by a tile, a window or a box of an older export has one as long as itself. The
    piece that a circle of the same extent has by its pixels is subtracted.
    """

    name = "straight-cut"
    higher_is_worse_because = "a longer horizontal or vertical piece of its outline is straight"
    least_spread = 0.08
    below = False

    def number(self, drawn: DrawnObject, subject: Subject) -> float | None:
        """Length of that piece as a share of the extent along it; see the base class."""
        if drawn.is_box:
            return None
        ring = drawn.ring
        inside = ~on_border(ring, subject.size_hw)
        extents = drawn.region.mask.shape
        # Runs down a column have equal columns, runs along a row equal rows.
        runs = _longest(ring[:, 1], inside), _longest(ring[:, 0], inside)
        return max(
            0.0, *((run - 2 * sqrt(extent)) / extent for run, extent in zip(runs, extents, strict=True))
        )

    def message(self, class_name: str, value: float, median: float) -> str:
        """See the base class."""
        return f"The outline has a long straight piece, as if cut off; that is unusual for {class_name}."


def _longest(across: NDArray[np.float64], inside: NDArray[np.bool_]) -> int:
    """Points in the longest run of equal coordinates across the direction, inside the picture."""
    same = (across == np.roll(across, 1)) & inside & np.roll(inside, 1)
    if same.all():
        return len(same)
    turned = np.roll(same, -int(np.argmin(same)))
    ends = np.flatnonzero(np.diff(np.concatenate([[0], turned.astype(np.int8), [0]])))
    return int((ends[1::2] - ends[::2]).max(initial=-1)) + 1
