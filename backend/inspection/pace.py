"""How long annotations take."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from math import exp, log
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.stats import theilslopes

from backend.inspection.base import InspectionRule, Issue, Json, Subject, graded

_FEWEST = 12
"""Annotations of known length; fewer do not say what is usual."""
_OWN = 5
"""So many annotations of one person count as much as everybody's."""
_MOST = 1000
"""Annotations from which the dependence on the amount is computed: it compares all pairs."""
_LEAST_SPREAD = 0.35
"""Smallest standard deviation to assume of log seconds: a factor of 1.4."""
_TO_SIGMA = 1.4826
_STEEPEST = 1.5
"""Seconds grow at most with this power of the number of objects."""


class PaceRule(InspectionRule):
    """Compares the logarithm of the seconds with what is usual for the amount of work and for the person.

    The dependence on the logarithm of 1 + the number of objects is a line through the middle of all pairs
    (Theil 1950; Sen 1968); each person is faster or slower than that by the median of his own annotations,
    drawn to 0 while they are few.

    Args:
        doubtful: Robust standard deviations that are worth a warning.
    """

    direction: ClassVar[int]
    """-1 if fast annotations are doubtful, 1 if slow ones are."""

    def __init__(self, *, doubtful: float = 4.0) -> None:
        self._doubtful = doubtful

    @abstractmethod
    def message(self, seconds: float, expected: float) -> str:
        """One plain sentence.

        Args:
            seconds: How long it took.
            expected: What would have been usual.
        """

    def measure(self, subject: Subject) -> Json:
        """Seconds, objects and the person; see the base class."""
        seconds = subject.work.seconds
        if seconds is None or seconds <= 0:
            return {}
        return {"seconds": seconds, "n_objects": len(subject.objects), "annotator": subject.work.annotator}

    def learn(self, measured: Mapping[str, Json]) -> Json:
        """The line, the pace of each person, and the spread; see the base class."""
        each = list(measured.values())
        if len(each) < _FEWEST:
            return {}
        amounts = np.array([log(1 + one["n_objects"]) for one in each])
        times = np.array([log(one["seconds"]) for one in each])
        slope = _slope(amounts, times)
        start = float(np.median(times - slope * amounts))
        rest = times - start - slope * amounts
        people = np.array([str(one["annotator"]) for one in each])
        own = {}
        for person in np.unique(people).tolist():
            mine = rest[people == person]
            own[person] = float(np.median(mine)) * len(mine) / (len(mine) + _OWN)
        rest -= np.array([own[person] for person in people.tolist()])
        spread = max(_TO_SIGMA * float(np.median(np.abs(rest))), _LEAST_SPREAD)
        return {"start": start, "slope": slope, "own": own, "spread": spread}

    def judge(self, key: str, measured: Json, usual: Json) -> list[Issue]:
        """An issue if it took longer, or shorter, than usual; see the base class."""
        if not usual:
            return []
        expected = usual["start"] + usual["slope"] * log(1 + measured["n_objects"])
        expected += usual["own"].get(str(measured["annotator"]), 0.0)
        distance = self.direction * (log(measured["seconds"]) - expected) / usual["spread"]
        if distance <= 0:
            return []
        message = self.message(measured["seconds"], exp(expected))
        # Squared, because usual differences must not add up to a doubt.
        return [Issue(self.name, graded(distance**2, self._doubtful**2), message)]


def _slope(amounts: NDArray[np.float64], times: NDArray[np.float64]) -> float:
    """By which power of the amount the time grows."""
    step = -(-len(amounts) // _MOST)
    amounts, times = amounts[::step], times[::step]
    if np.ptp(amounts) == 0:
        return 0.0
    return float(np.clip(theilslopes(times, amounts)[0], 0, _STEEPEST))
