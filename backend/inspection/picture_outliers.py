"""Rules that look for pictures unlike the others of the project."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from backend.inspection.base import InspectionRule, Issue, Json, Subject
from backend.inspection.usual import DOUBTFUL, FEWEST, Quantity, distance, severity_of, usual_of


class PictureOutlierRule(InspectionRule):
    """Doubts annotations whose number is far above what is usual in the project, see `usual`.

    Args:
        doubtful: Robust standard deviations above the median that are worth a warning at the least.
    """

    least_spread: ClassVar[float]
    """Smallest standard deviation to assume: smaller differences mean nothing to people."""

    def __init__(self, *, doubtful: float = DOUBTFUL) -> None:
        self._doubtful = doubtful

    @abstractmethod
    def number(self, subject: Subject) -> float | None:
        """The number to compare, higher is worse; None if the annotation has none.

        Args:
            subject: The annotation.
        """

    @abstractmethod
    def message(self, value: float, median: float) -> str:
        """One plain sentence about an unusual annotation.

        Args:
            value: Its number.
            median: That of the project.
        """

    def measure(self, subject: Subject) -> Json:
        """The number; see the base class."""
        value = self.number(subject)
        return {} if value is None else {"value": round(value, 5)}

    def learn(self, measured: Mapping[str, Json]) -> Json:
        """Median and doubtful distance; see the base class."""
        values = np.array([each["value"] for each in measured.values()])
        if len(values) < FEWEST:
            return {}
        quantity = Quantity(self.least_spread, below=False)
        return {"usual": usual_of(quantity, values, per_picture=1, doubtful=self._doubtful)}

    def judge(self, key: str, measured: Json, usual: Json) -> list[Issue]:
        """One issue for each picture whose number is above the median; see the base class."""
        if not usual or measured["value"] <= usual["usual"][0]:
            return []
        value = measured["value"]
        severity = severity_of(distance(value, usual["usual"]))
        return [Issue(self.name, severity, self.message(value, usual["usual"][0]))]
