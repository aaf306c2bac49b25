"""What numbers have in common, and how far from that one is.

A number is worth a warning from where both hold: it is so many robust standard deviations away from the
median (robust z: Iglewicz and Hoaglin 1993), and one as far away is expected in less than one of 5000
pictures without fault. For the second, the tail of the numbers is taken as exponential from its 95 % quantile
on (peaks over threshold: Coles 2001, chapter 4, with shape 0). Its scale comes from two quantiles, so that a
few faulty objects do not hide each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from backend.inspection.base import graded

FEWEST = 12
"""Fewer numbers do not say what is usual."""
DOUBTFUL = 5.0
"""Robust standard deviations from the median; of normal values 1 in 1.7 million is farther away."""
_TO_SIGMA = 1.4826
"""From the median absolute deviation to the standard deviation of normal values."""
_NEAR, _FAR = 0.9, 0.95
"""Where the tail is looked at: seldom enough to be the tail, often enough to be known."""
_FALSE_ALARMS = 0.0002
"""Pictures without fault in which a tail may reach the warning."""
_UNSURE = 12.0
"""Quantiles of n objects are trusted up to a factor of 1 + this / n."""

Usual: TypeAlias = Sequence[float | None]
"""Median, and the doubtful distances below and above it; None for a side that does not matter."""


@dataclass(frozen=True)
class Quantity:
    """A number that objects or pictures have more or less in common.

    Attributes:
        least_spread: Smallest standard deviation to assume: smaller differences mean nothing to people.
        below: Whether numbers below the median can be doubtful.
        above: Whether numbers above the median can be doubtful.
    """

    least_spread: float
    below: bool = True
    above: bool = True


def usual_of(
    quantity: Quantity, values: NDArray[np.float64], *, per_picture: float, doubtful: float
) -> list[float | None]:
    """Learn what is usual; see `Usual`.

    Args:
        quantity: What the numbers are.
        values: (N,), at least one.
        per_picture: How many of them a picture has, at least 1: with more, unusual ones are met more often.
        doubtful: Robust standard deviations from the median that are worth a warning at the least.
    """
    median = float(np.median(values))
    spread = max(_TO_SIGMA * float(np.median(np.abs(values - median))), quantity.least_spread)
    sides = ((quantity.below, median - values), (quantity.above, values - median))
    return [median, *(_reach(far, spread, per_picture, doubtful) if side else None for side, far in sides)]


def distance(value: float, usual: Usual) -> float:
    """How far a number is from what is usual, at least 0; from 1 on it is worth a warning."""
    median, below, above = usual
    reach = below if median is not None and value < median else above
    return 0.0 if median is None or reach is None else abs(value - median) / reach


def severity_of(distance: float) -> float:
    """Severity of a number that is so far from what is usual.

    To the third, because the many usual differences of an annotation must not add up to a doubt.
    """
    return graded(distance**3, 1)


def _reach(distances: NDArray[np.float64], spread: float, per_picture: float, doubtful: float) -> float:
    near, far = np.quantile(distances, [_NEAR, _FAR])
    scale = (far - near) / log((1 - _NEAR) / (1 - _FAR))
    tail = far + scale * max(0.0, log((1 - _FAR) * per_picture / _FALSE_ALARMS))
    return float(max(doubtful * spread, tail * (1 + _UNSURE / len(distances))))
