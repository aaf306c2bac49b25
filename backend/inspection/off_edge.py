"""Outlines that do not lie on the object's edge."""

from __future__ import annotations

from math import log, pi

import numpy as np

from backend.inspection.base import DrawnObject, Subject
from backend.inspection.edges import Edges, edges
from backend.inspection.outliers import NumbersRule
from backend.inspection.usual import Quantity

_DIRECTIONS = 12
_NOISE = 0.5
"""Grey levels per pixel; weaker edges are none."""


class OffEdge(NumbersRule):
    """Compares how the outline lies to the edges in the picture around it.

    First, the outline is made larger and smaller step by step; the offsets are averaged with the mean
    gradients across it, above the weakest, as weights. In some classes it is usual to draw a little outside;
    that is learned. Second, the outline is moved to all sides; the number is the logarithm of the gradient
    where it lies, or one pixel further in or out, by the largest one found elsewhere.
    """

    name = "off-edge"
    higher_is_worse_because = "its outline lies farther from the edges in the picture than usual in its class"

    of_pictures = True

    def quantities(self) -> tuple[Quantity, ...]:
        """See the base class."""
        return (Quantity(least_spread=0.01), Quantity(least_spread=0.03, above=False))

    def numbers(self, drawn: DrawnObject, subject: Subject) -> tuple[float, float] | None:
        """Offset outwards by the root of the area, and how well the outline lies; see the base class."""
        found = edges(drawn, subject)
        if found is None:
            return None
        offsets = np.arange(-found.reach, found.reach + 1)
        strengths = found.strengths(offsets[:, None, None] * found.normals)
        weights = strengths - strengths.min() + 1e-6
        here = float(strengths[found.reach - 1 : found.reach + 2].max())
        best = max(here, _best_moved(found))
        return -float(np.average(offsets, weights=weights)) / found.size, log(
            (here + _NOISE) / (best + _NOISE)
        )

    def message_about(self, quantity: int, class_name: str, value: float, median: float) -> str:
        """See the base class."""
        if quantity:
            return f"The edges in the picture lie beside the outline more than is usual for {class_name}."
        where = "outside" if value > median else "inside"
        return f"The outline lies {where} the edges in the picture, more than is usual for {class_name}."


def _best_moved(found: Edges) -> float:
    """The strongest mean gradient across the outline moved by half and by the whole reach."""
    angles = np.arange(_DIRECTIONS) * (2 * pi / _DIRECTIONS)
    circle = found.reach * np.stack([np.sin(angles), np.cos(angles)], axis=1)
    return float(found.strengths(np.concatenate([circle / 2, circle])[:, None]).max())
