"""Polygons that enclose nothing or cross themselves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backend.inspection.base import Issue, PlainRule, Subject

_FEWEST_CORNERS = 3
_MOST_CORNERS = 2000
"""Of longer outlines only every so-manieth corner is looked at."""
_CHUNK = 256
"""Sides that are compared with all others at once."""
_STRAIGHT = 0.5
"""Root of the summed squared distances in pixels from the best line, below which the corners lie on it."""

_Corners = NDArray[np.float64]


class BadOutline(PlainRule):
    """Looks at polygons as they were drawn: fewer than three corners, no area, or sides that cross.

    Sides that only touch, as those of a bridge to a hole do, do not cross.
    """

    name = "bad-outline"
    higher_is_worse_because = "it crosses itself more often, or encloses nothing at all"

    def inspect(self, subject: Subject) -> list[Issue]:
        """One issue for each such polygon; see the base class."""
        issues = []
        for drawn in subject.objects:
            if drawn.outline is not None:
                severity, message = _fault(drawn.outline)
                if severity:
                    issues.append(Issue(self.name, severity, message, (drawn.id,), drawn.region.box))
        return issues


def _fault(outline: _Corners) -> tuple[float, str]:
    """Severity and message; 0 if the outline is faultless."""
    corners = outline[np.any(outline != np.roll(outline, 1, axis=0), axis=1)]
    if len(corners) < _FEWEST_CORNERS:
        return 1.0, f"The polygon has {len(corners)} different corners; it needs at least 3."
    if np.linalg.svd(corners - corners.mean(axis=0), compute_uv=False)[1] < _STRAIGHT:
        return 1.0, "The polygon encloses no area."
    n_crossings = _crossings(corners[:: -(-len(corners) // _MOST_CORNERS)])
    if not n_crossings:
        return 0.0, ""
    times = "once" if n_crossings == 1 else f"{n_crossings} times"
    return 1 - 0.4 / n_crossings, f"The polygon crosses itself {times}."


def _crossings(corners: _Corners) -> int:
    """How many pairs of a closed outline's sides cross; both ends of each lie beyond the other's line."""
    starts, ends = corners, np.roll(corners, -1, axis=0)
    low, high = np.minimum(starts, ends), np.maximum(starts, ends)
    n_crossings = 0
    for first in range(0, len(corners), _CHUNK):
        part = slice(first, first + _CHUNK)
        near = (low <= high[part, None]).all(2) & (high >= low[part, None]).all(2)
        mine, theirs = np.nonzero(near)
        mine += first
        later = theirs > mine
        mine, theirs = mine[later], theirs[later]
        apart = _side(starts[mine], ends[mine], starts[theirs]) * _side(
            starts[mine], ends[mine], ends[theirs]
        )
        across = _side(starts[theirs], ends[theirs], starts[mine]) * _side(
            starts[theirs], ends[theirs], ends[mine]
        )
        n_crossings += int(((apart < 0) & (across < 0)).sum())
    return n_crossings


def _side(start: _Corners, end: _Corners, point: _Corners) -> NDArray[np.float64]:
    """On which side of lines points lie, (n,): the sign of the cross product."""
    along, beside = end - start, point - start
    return np.sign(along[:, 0] * beside[:, 1] - along[:, 1] * beside[:, 0])
