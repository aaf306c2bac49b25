"""How a project's score grows with its annotated pictures: a saturating curve through what was measured."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import curve_fit

FEWEST_POINTS = 4
"""Different numbers of annotated pictures; the curve has three parameters."""
_START = (0.9, 1.0, 0.5)
_LOWEST, _HIGHEST = (0.0, 0.0, 0.05), (1.0, 10.0, 3.0)


@dataclass(frozen=True)
class CurvePoint:
    """One measured version.

    Attributes:
        n_labels: Pictures that it has learned from.
        score: In [0, 1], on pictures that it has not.
        n_examples: How many these were.
    """

    n_labels: int
    score: float
    n_examples: int


@dataclass(frozen=True)
class LearningCurve:
    """score(n) = ceiling - scale * n ** -rate.

    Attributes:
        ceiling: What any number of labels would reach, in [0, 1].
        scale: How far below one label would be.
        rate: How fast the rest shrinks.
    """

    ceiling: float
    scale: float
    rate: float

    def score(self, n_labels: float) -> float:
        """The score to expect, in [0, 1], of at least one label."""
        return max(self.ceiling - self.scale * float(n_labels**-self.rate), 0.0)

    def labels_to(self, share: float) -> float:
        """How many labels reach a share of the ceiling; infinite if none do.

        Args:
            share: In (0, 1).
        """
        missing = (1 - share) * self.ceiling
        if not missing:
            return math.inf
        return max(float((self.scale / missing) ** (1 / self.rate)), 1.0)


def fitted_curve(points: Sequence[CurvePoint]) -> LearningCurve | None:
    """Fit the curve by least squares, weighted by the pictures that each score comes from.

    Args:
        points: Measured versions in any order.

    Returns:
        None where fewer than `FEWEST_POINTS` numbers of labels were measured, or no curve is found.

    Source: Figueroa et al., "Predicting sample size required for classification performance", BMC Medical
    Informatics and Decision Making 12:8, 2012: an inverse power law, weighted. Differs: scores, not accuracy.
    """
    known = [point for point in points if point.n_labels > 0 and point.n_examples > 0]
    if len({point.n_labels for point in known}) < FEWEST_POINTS:
        return None
    labels = np.array([point.n_labels for point in known], dtype=np.float64)
    scores = np.array([point.score for point in known])
    noise = 1 / np.sqrt([point.n_examples for point in known])
    try:
        found, _ = curve_fit(
            _power_law, labels, scores, p0=_START, sigma=noise, bounds=(_LOWEST, _HIGHEST), max_nfev=5000
        )
    except RuntimeError:  # SciPy's word for a search that does not end
        return None
    ceiling, scale, rate = (float(value) for value in found)
    return LearningCurve(ceiling, scale, rate)


def _power_law(
    n_labels: NDArray[np.float64], ceiling: float, scale: float, rate: float
) -> NDArray[np.float64]:
    return np.asarray(ceiling - scale * n_labels**-rate)
