"""Objects with holes that nobody meant."""

from __future__ import annotations

from backend.inspection.base import DrawnObject, Subject
from backend.inspection.rare_events import RARE, Event, ObjectEventRule
from models.masks import holes


class Holes(ObjectEventRule):
    """Looks for small holes: large ones belong to rings and handles, small ones were left by a brush.

    Args:
        small: Holes of at most this share of the object's area count, in [0, 1].
        rare: See the base class.
    """

    name = "holes"
    higher_is_worse_because = "it has more small holes, and fewer pictures have objects of its class with any"

    def __init__(self, *, small: float = 0.05, rare: float = RARE) -> None:
        super().__init__(rare=rare)
        self._small = small

    def event(self, drawn: DrawnObject, subject: Subject) -> Event | None:
        """Small holes; see the base class."""
        _, areas = holes(drawn.region.mask)
        n_small = int((areas[1:] <= self._small * drawn.region.area).sum())
        if not n_small:
            return None
        message = f"{n_small} small {'hole' if n_small == 1 else 'holes'} inside the object."
        return Event(1 + n_small / 2, message)
