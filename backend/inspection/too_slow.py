"""Annotations that took very long."""

from __future__ import annotations

from backend.inspection.pace import PaceRule


class TooSlow(PaceRule):
    """Looks for pauses and for hard pictures: much slower than this person makes as many objects."""

    name = "too-slow"
    higher_is_worse_because = "it took more time than is usual for its annotator and number of objects"
    direction = 1

    def message(self, seconds: float, expected: float) -> str:
        """See the base class."""
        return f"Took {seconds:.0f} s; this annotator usually needs {expected:.0f} s for as many objects."
