"""Objects where the network sees nothing."""

from __future__ import annotations

from backend.inspection.base import DrawnObject, Subject
from backend.inspection.outliers import OutlierRule
from backend.inspection.working_grid import covered, grid_of, mean_inside


class SpuriousObject(OutlierRule):
    """Compares how much of an object the network takes for background with what is usual in the class."""

    name = "spurious-object"
    higher_is_worse_because = "the network takes more of the object for background"
    least_spread = 0.1
    below = False

    def number(self, drawn: DrawnObject, subject: Subject) -> float | None:
        """Mean probability of background inside the object; see the base class."""
        belief = subject.belief
        if belief is None or not belief.classes:
            return None
        inside = covered(drawn.region, subject.size_hw, grid_of(belief))
        return float(mean_inside(belief.probabilities[:1], *inside)[0])

    def message(self, class_name: str, value: float, median: float) -> str:
        """See the base class."""
        return f"The model sees no {class_name} here: it believes in background by {value:.0%}."
