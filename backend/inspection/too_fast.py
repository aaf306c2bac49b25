"""Annotations that took hardly any time."""

from __future__ import annotations

from backend.inspection.pace import PaceRule


class TooFast(PaceRule):
    """Looks for annotations made much faster than this person makes as many objects."""

    name = "too-fast"
    higher_is_worse_because = "it took less time than is usual for its annotator and number of objects"
    direction = -1

    def message(self, seconds: float, expected: float) -> str:
        """See the base class."""
        return f"Took {seconds:.0f} s; this annotator usually needs {expected:.0f} s for as many objects."
