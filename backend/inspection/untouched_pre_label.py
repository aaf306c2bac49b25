"""Pre-labels that were accepted without a look."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from backend.inspection.base import InspectionRule, Issue, Json, Subject, graded
from models.regions import Region

_SAME = 0.999
"""IoU from which on an object is the same: saving and loading may move a pixel."""
_FEWEST = 5
"""Annotations of one person; with fewer, everybody's pace counts."""
_LEAST_SECONDS = 3.0
"""Nobody looks at a picture in less."""


class UntouchedPreLabel(InspectionRule):
    """Doubts annotations that are the pre-label as it was and took much less time than the annotator's usual.

    Args:
        faster: By how many times faster than usual is worth a warning.
    """

    name = "untouched-pre-label"
    higher_is_worse_because = "the pre-label was accepted as it was in less time"

    def __init__(self, *, faster: float = 5.0) -> None:
        self._faster = faster

    def measure(self, subject: Subject) -> Json:
        """Seconds, the person, and whether anything was changed; see the base class."""
        work = subject.work
        if work.seconds is None or work.began_from is None:
            return {}
        untouched = bool(work.began_from) and _same(
            [each.region for each in subject.objects], work.began_from
        )
        return {"seconds": max(work.seconds, 0.1), "annotator": work.annotator, "untouched": untouched}

    def learn(self, measured: Mapping[str, Json]) -> Json:
        """The usual seconds of each person, and of all; see the base class."""
        seconds: dict[str, list[float]] = {}
        for each in measured.values():
            seconds.setdefault(str(each["annotator"]), []).append(each["seconds"])
        everybody = [one for own in seconds.values() for one in own]
        return {
            "own": {name: float(np.median(own)) for name, own in seconds.items() if len(own) >= _FEWEST},
            "all": float(np.median(everybody)),
        }

    def judge(self, key: str, measured: Json, usual: Json) -> list[Issue]:
        """An issue if nothing was changed; see the base class."""
        if not measured["untouched"]:
            return []
        seconds = measured["seconds"]
        expected = usual.get("own", {}).get(str(measured["annotator"]), usual.get("all", seconds))
        expected = max(expected, self._faster * _LEAST_SECONDS)
        message = f"The pre-label was accepted unchanged after {seconds:.0f} s; {expected:.0f} s are usual."
        return [Issue(self.name, graded(expected / seconds, self._faster), message)]


def _same(drawn: list[Region], began_from: tuple[Region, ...]) -> bool:
    """Whether the objects are those of the pre-label, in any order."""
    if len(drawn) != len(began_from):
        return False
    left = list(began_from)
    for region in drawn:
        equal = (
            place
            for place, other in enumerate(left)
            if other.class_name == region.class_name and other.iou(region) >= _SAME
        )
        found = next(equal, None)
        if found is None:
            return False
        del left[found]
    return True
