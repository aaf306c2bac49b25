"""Objects that the network sees and nobody drew."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.inspection.base import Belief, InspectionRule, Issue, Json, Subject, shown
from backend.inspection.working_grid import channel, covered, drawn_classes, grid_of, mean_inside
from models.regions import Region

_SMALLEST = 1e-6
_MOST = 20
"""Objects of one picture that are kept, the surest."""
_DRAWN = 0.3
"""From this share on an object counts as drawn, whatever its label."""


class MissedObject(InspectionRule):
    """Looks for objects of the network that people did not draw, where people mostly agree with it.

    A network that is contradicted often, at a given certainty and size, tells little; one that hardly ever
    is tells much. Contradictions are counted by pictures.

    Args:
        doubtful: A contradiction that occurs in this share of the pictures tells half as much as a rare one.
    """

    name = "missed-object"
    higher_is_worse_because = "the network is surer of an object that nobody drew, and is seldom contradicted"

    def __init__(self, *, doubtful: float = 0.03) -> None:
        self._doubtful = doubtful

    def measure(self, subject: Subject) -> Json:
        """Areas of what was drawn, and the network's objects that were not; see the base class."""
        belief = subject.belief
        if belief is None or not belief.classes:
            return {}
        taken = drawn_classes(subject, belief)
        free = [each for each in belief.objects if _share_drawn(each, taken, subject, belief) < _DRAWN]
        sure = sorted(((_certainty(each, subject, belief), each) for each in free), key=_first)
        objects = [
            [each.class_name, list(each.box), round(certainty, 4), each.area]
            for certainty, each in reversed(sure[-_MOST:])
        ]
        areas = [[each.region.class_name, each.region.area] for each in subject.objects[:_MOST]]
        return {"missed": objects, "drawn": areas}

    def learn(self, measured: Mapping[str, Json]) -> Json:
        """Median areas of the classes, and how strong the contradictions are; see the base class."""
        areas: dict[str, list[float]] = {}
        for each in measured.values():
            for class_name, area in each["drawn"]:
                areas.setdefault(class_name, []).append(area)
        medians = {class_name: float(np.median(values)) for class_name, values in areas.items()}
        strongest = [
            max((_strength(missed, medians) for missed in each["missed"]), default=0.0)
            for each in measured.values()
        ]
        return {"areas": medians, "strongest": sorted(strongest)}

    def judge(self, key: str, measured: Json, usual: Json) -> list[Issue]:
        """One issue for each object that nobody drew; see the base class."""
        strongest = np.asarray(usual["strongest"])
        issues = []
        for missed in measured["missed"]:
            class_name, box, certainty, _ = missed
            strength = _strength(missed, usual["areas"])
            contradicted = float((strongest >= strength).sum() - 1) / max(1, len(strongest))
            severity = strength * self._doubtful / (self._doubtful + max(0.0, contradicted))
            message = f"The model sees {shown(class_name)} here, by {certainty:.0%}, and nothing is drawn."
            issues.append(Issue(self.name, severity, message, (), tuple(box)))
        return issues


def _strength(missed: Sequence[Any], medians: Mapping[str, float]) -> float:
    """How much an object tells, in [0, 1]: small ones tell less."""
    class_name, _, certainty, area = missed
    return float(certainty) * min(1.0, math.sqrt(area / medians.get(class_name, area)))


def _first(pair: tuple[float, Region]) -> float:
    return pair[0]


def _share_drawn(region: Region, taken: NDArray[np.int64], subject: Subject, belief: Belief) -> float:
    """Share of the network's object where people drew anything."""
    coverage, place = covered(region, subject.size_hw, grid_of(belief))
    return float(coverage[taken[place] != 0].sum() / max(float(coverage.sum()), _SMALLEST))


def _certainty(region: Region, subject: Subject, belief: Belief) -> float:
    """Mean probability of its class within the object."""
    inside = covered(region, subject.size_hw, grid_of(belief))
    return float(mean_inside(belief.probabilities, *inside)[channel(belief, region.class_name)])
