"""Objects that end at the border of the picture."""

from __future__ import annotations

from backend.inspection.base import DrawnObject, Subject
from backend.inspection.borders import is_cut
from backend.inspection.outlines import on_border
from backend.inspection.rare_events import RARE, Event, ObjectEventRule


class CutByBorder(ObjectEventRule):
    """Looks for objects that run along the picture's border although those of their class seldom do.

    Args:
        share: Share of the outline on the border that is worth a warning, in (0, 1].
        rare: See the base class.
    """

    name = "cut-by-border"
    higher_is_worse_because = (
        "more of its outline runs along the picture's border, and fewer pictures have such objects"
    )

    def __init__(self, *, share: float = 0.1, rare: float = RARE) -> None:
        super().__init__(rare=rare)
        self._share = share

    def event(self, drawn: DrawnObject, subject: Subject) -> Event | None:
        """A part of the outline on the border; see the base class."""
        if not is_cut(drawn.region, subject.size_hw):
            return None
        share = float(on_border(drawn.ring, subject.size_hw).mean())
        if not share:
            return None
        message = f"{share:.0%} of the outline run along the picture's border, which is unusual."
        return Event(share / self._share, message)
