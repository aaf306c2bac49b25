"""Pictures that several people annotated differently."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from backend.inspection.base import DrawnObject, InspectionRule, Issue, Json, Subject, graded
from backend.inspection.class_maps import ClassMaps, class_maps, difference
from backend.inspection.working_grid import covered

_SIDE = 256
"""Places along each side of the grid on which annotations are compared."""
_FEWEST = 12
"""Pictures with several annotations; fewer do not say what is usual."""
_EXPECTED, _EXPECTED_SPREAD = 0.1, 0.06
"""Of the differences, until that is known."""
_LEAST_SPREAD = 0.03
_TO_SIGMA = 1.4826
_MOST_NAMED = 20
"""Objects that an issue names."""


class AnnotatorsDisagree(InspectionRule):
    """Compares how much an annotation differs from those of others with what is usual in the project.

    The difference is one minus the Dice coefficient over all classes, the median over the others, or the
    share of the objects that only this annotation has or lacks, whichever is larger.

    Args:
        doubtful: Robust standard deviations above the median that are worth a warning.
    """

    name = "annotators-disagree"
    higher_is_worse_because = "it has less in common with what others drew on the same picture than is usual"

    def __init__(self, *, doubtful: float = 4.0) -> None:
        self._doubtful = doubtful

    def measure(self, subject: Subject) -> Json:
        """The difference, and the objects that are in few other annotations; see the base class."""
        if not subject.others:
            return {}
        mine = class_maps(subject.objects, subject.size_hw, _SIDE)
        theirs = [class_maps(other, subject.size_hw, _SIDE) for other in subject.others]
        alone = [drawn for drawn in subject.objects if _mostly_absent(drawn, theirs, subject)]
        first = subject.others[0]
        lacking = sum(
            _mostly_absent(drawn, [mine], subject) and not _mostly_absent(drawn, theirs, subject)
            for drawn in first
        )
        pixels = float(np.median([difference(mine, other) for other in theirs]))
        objects = (len(alone) + lacking) / max(1, len(subject.objects) + lacking)
        return {
            "difference": round(max(pixels, objects), 4),
            "n_others": len(theirs),
            "alone": [drawn.id for drawn in alone[:_MOST_NAMED]],
            "n_alone": len(alone),
            "n_lacking": lacking,
        }

    def learn(self, measured: Mapping[str, Json]) -> Json:
        """Median and spread of the differences; see the base class."""
        values = np.array([each["difference"] for each in measured.values()])
        if len(values) < _FEWEST:
            return {}
        median = float(np.median(values))
        spread = _TO_SIGMA * float(np.median(np.abs(values - median)))
        return {"median": median, "spread": max(spread, _LEAST_SPREAD)}

    def judge(self, key: str, measured: Json, usual: Json) -> list[Issue]:
        """An issue if it differs more than usual; see the base class."""
        distance = measured["difference"] - usual.get("median", _EXPECTED)
        if distance <= 0:
            return []
        severity = graded(distance / usual.get("spread", _EXPECTED_SPREAD), self._doubtful)
        people = "The other annotator" if measured["n_others"] == 1 else "Other annotators"
        message = (
            f"{people} drew this differently, by {measured['difference']:.0%}: objects that only this has "
            f"{measured['n_alone']}, that it lacks {measured['n_lacking']}."
        )
        return [Issue(self.name, severity, message, tuple(measured["alone"]))]


def _mostly_absent(drawn: DrawnObject, annotations: Sequence[ClassMaps], subject: Subject) -> bool:
    """Whether more than half of annotations cover less than a quarter of an object with its class."""
    shares, (rows, columns) = covered(drawn.region, subject.size_hw, (_SIDE, _SIDE))
    name, weight = drawn.region.class_name, float(shares.sum())
    n_absent = 0
    for maps in annotations:
        inside = float(np.minimum(maps[name][rows, columns], shares).sum()) if name in maps else 0.0
        n_absent += inside <= weight / 4
    return n_absent > len(annotations) / 2
