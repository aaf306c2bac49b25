"""Objects that are much larger or smaller than the others of their class."""

from __future__ import annotations

import math

from backend.inspection.base import DrawnObject, Subject
from backend.inspection.outliers import OutlierRule


class UnusualSize(OutlierRule):
    """Compares areas on a logarithmic scale; pixels of the picture as it is."""

    name = "unusual-size"
    higher_is_worse_because = "its area differs more from what is usual in its class"
    least_spread = 0.2

    def number(self, drawn: DrawnObject, subject: Subject) -> float | None:
        """Logarithm of the area; see the base class."""
        return math.log(drawn.region.area)

    def message(self, class_name: str, value: float, median: float) -> str:
        """See the base class."""
        times = math.exp(abs(value - median))
        change = "larger" if value > median else "smaller"
        return f"{times:.1f} times {change} than is usual for {class_name}."
