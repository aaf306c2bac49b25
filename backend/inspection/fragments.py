"""Objects in several pieces."""

from __future__ import annotations

import numpy as np

from backend.inspection.base import DrawnObject, Subject
from backend.inspection.rare_events import RARE, Event, ObjectEventRule
from models.masks import components


class Fragments(ObjectEventRule):
    """Looks for crumbs beside an object and for objects in several parts.

    Args:
        crumb: Pieces of at most this share of the object's area are called crumbs, in [0, 1].
        rare: See the base class.
    """

    name = "fragments"
    higher_is_worse_because = (
        "it has more pieces, and fewer pictures have objects of its class in several pieces"
    )

    def __init__(self, *, crumb: float = 0.05, rare: float = RARE) -> None:
        super().__init__(rare=rare)
        self._crumb = crumb

    def event(self, drawn: DrawnObject, subject: Subject) -> Event | None:
        """Pieces beside the largest one; see the base class."""
        _, areas = components(drawn.region.mask)
        n_more = len(areas) - 2
        if n_more < 1:
            return None
        n_crumbs = int(np.count_nonzero(areas[1:] <= self._crumb * drawn.region.area))
        if n_crumbs == n_more:
            message = f"{n_crumbs} {'crumb' if n_crumbs == 1 else 'crumbs'} beside the object."
        else:
            message = f"The object is in {n_more + 1} pieces."
        return Event(1 + n_more / 2, message)
