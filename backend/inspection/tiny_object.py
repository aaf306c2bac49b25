"""Objects of a few pixels."""

from __future__ import annotations

from backend.inspection.base import DrawnObject, Subject
from backend.inspection.rare_events import RARE, Event, ObjectEventRule


class TinyObject(ObjectEventRule):
    """Looks for what a stray click or a touch of the brush leaves behind.

    Args:
        pixels: Objects of at most as many pixels are tiny.
        share: In large pictures, objects of at most this share of the picture are.
        rare: See the base class.
    """

    name = "tiny-object"
    higher_is_worse_because = "it has fewer pixels, and fewer pictures have such objects of its class"

    def __init__(self, *, pixels: int = 9, share: float = 1e-5, rare: float = RARE) -> None:
        super().__init__(rare=rare)
        self._pixels = pixels
        self._share = share

    def event(self, drawn: DrawnObject, subject: Subject) -> Event | None:
        """Too few pixels; see the base class."""
        area = drawn.region.area
        tiny = max(self._pixels, self._share * subject.size_hw[0] * subject.size_hw[1])
        if area > tiny:
            return None
        message = (
            f"The object has {area} {'pixel' if area == 1 else 'pixels'}; it may have been drawn by mistake."
        )
        return Event(0.5 + tiny / area, message)
