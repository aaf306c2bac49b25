"""Pictures in which nothing was drawn."""

from __future__ import annotations

from collections.abc import Mapping

from backend.inspection.base import InspectionRule, Issue, Json, Subject, graded

_KNOWN = 2
"""Annotations, one of them empty, that are taken to have been seen before the first one."""


class EmptyAnnotation(InspectionRule):
    """Doubts annotations without objects where nearly all others have some.

    Args:
        rare: Share of empty annotations in the project from which on people are no longer told, in (0, 1].
    """

    name = "empty-annotation"
    higher_is_worse_because = "it is empty and fewer other annotations are"

    def __init__(self, *, rare: float = 0.05) -> None:
        self._rare = rare

    def measure(self, subject: Subject) -> Json:
        """The number of objects; see the base class."""
        return {"n_objects": len(subject.objects)}

    def learn(self, measured: Mapping[str, Json]) -> Json:
        """How many annotations there are, and how many are empty; see the base class."""
        n_empty = sum(not each["n_objects"] for each in measured.values())
        return {"n_annotations": len(measured), "n_empty": n_empty}

    def judge(self, key: str, measured: Json, usual: Json) -> list[Issue]:
        """An issue if it is empty; see the base class."""
        if measured["n_objects"]:
            return []
        n_others = max(usual.get("n_annotations", 1) - 1, 0)
        n_empty = max(usual.get("n_empty", 1) - 1, 0)
        share = (n_empty + _KNOWN / 2) / (n_others + _KNOWN)
        message = f"Nothing was drawn; {n_others - n_empty} of {n_others} other annotations have objects."
        return [Issue(self.name, graded(self._rare, share), message)]
