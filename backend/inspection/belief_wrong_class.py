"""Objects that the network would label otherwise."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from backend.inspection.base import InspectionRule, Issue, Json, Subject, shown
from backend.inspection.working_grid import channel, covered, grid_of, mean_inside

_SMALLEST = 1e-6


class WrongClass(InspectionRule):
    """Compares the belief in the given label with that in the likeliest other one.

    Source: Northcutt et al., "Confident learning", JAIR 2021, section 3: another label counts only if it is
    believed in as much as is usual for the objects that people do give that label.
    """

    name = "wrong-class"
    higher_is_worse_because = "the network believes more in another label than in the given one"

    def measure(self, subject: Subject) -> Json:
        """Belief in each label for each object, among labels; see the base class."""
        belief = subject.belief
        if belief is None or len(belief.classes) < 2:
            return {}
        objects = []
        for drawn in subject.objects:
            if channel(belief, drawn.region.class_name) > 0:
                inside = covered(drawn.region, subject.size_hw, grid_of(belief))
                shares = mean_inside(belief.probabilities[1:], *inside)
                shares = np.round(shares.astype(np.float64) / max(float(shares.sum()), _SMALLEST), 4)
                objects.append([drawn.id, drawn.region.class_name, list(drawn.region.box), shares.tolist()])
        return {"classes": list(belief.classes), "objects": objects} if objects else {}

    def learn(self, measured: Mapping[str, Json]) -> Json:
        """Median belief in a label for objects that have it; see the base class."""
        beliefs: dict[str, list[float]] = {}
        for each in measured.values():
            for _, label, _, shares in each["objects"]:
                beliefs.setdefault(label, []).append(shares[each["classes"].index(label)])
        return {label: float(np.median(values)) for label, values in beliefs.items()}

    def judge(self, key: str, measured: Json, usual: Json) -> list[Issue]:
        """One issue for each object; see the base class."""
        issues = []
        for region_id, label, box, shares in measured["objects"]:
            given = shares[measured["classes"].index(label)]
            others = {
                name: share
                for name, share in zip(measured["classes"], shares, strict=True)
                if name != label and name in usual
            }
            if others:
                other = max(others, key=lambda name: others[name])
                as_usual = min(1.0, others[other] / max(usual[other], _SMALLEST))
                severity = others[other] / max(others[other] + given, _SMALLEST) * as_usual**2
                message = f"Labelled {shown(label)}, but the model takes it for {shown(other)}."
                issues.append(Issue(self.name, severity, message, (region_id,), tuple(box)))
        return issues
