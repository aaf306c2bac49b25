"""Shares and means of a checked sample, with their confidence intervals, weighted back to all tasks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_Z = 1.959963984540054
"""Of the 95 % confidence interval."""
_RESAMPLES = 4000


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % confidence interval.

    Attributes:
        value: The estimate, in [0, 1].
        low: Lower end of the interval.
        high: Upper end.
        n: How many things it comes from.
    """

    value: float
    low: float
    high: float
    n: int


def wilson(share: float, n: float) -> tuple[float, float]:
    """The 95 % score interval of a share.

    Args:
        share: Of successes, in [0, 1].
        n: Number of trials, at least 1; not whole where the trials have different weights.

    Source: Wilson, "Probable inference, the law of succession, and statistical inference", Journal of the
    American Statistical Association 22, 1927.
    """
    centre = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z / (1 + _Z**2 / n) * math.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
    return max(centre - half, 0.0), min(centre + half, 1.0)


def stratum_weights(strata: Sequence[int], sizes: Sequence[int]) -> NDArray[np.float64]:
    """How many tasks each checked one stands for, over their mean.

    Args:
        strata: The stratum of each checked task.
        sizes: How many tasks each stratum has. Those of which none is checked are not stood for.

    Returns:
        (N,), mean 1.
    """
    counts = np.bincount(np.asarray(strata, dtype=np.intp), minlength=len(sizes))
    weights = np.array([sizes[stratum] / counts[stratum] for stratum in strata], dtype=np.float64)
    return weights / weights.mean() if len(weights) else weights


def share_of(successes: Sequence[bool], weights: NDArray[np.float64]) -> Estimate:
    """The weighted share of successes, with Wilson's interval.

    Args:
        successes: Of each checked task; at least one.
        weights: Of each, see `stratum_weights`.

    Source: the effective number of trials, (sum w)^2 / sum w^2, is that of Kish, "Survey sampling", 1965.
    """
    share = float(np.average(np.asarray(successes, dtype=np.float64), weights=weights))
    low, high = wilson(share, float(weights.sum() ** 2 / (weights**2).sum()))
    return Estimate(share, low, high, len(successes))


def mean_of(
    sums: Sequence[float],
    counts: Sequence[float],
    strata: Sequence[int],
    weights: NDArray[np.float64],
    seed: int = 0,
) -> Estimate | None:
    """A weighted mean of what tasks hold, with a bootstrap interval over tasks within their strata.

    Tasks are drawn, so they are resampled as a whole: the objects of one picture are alike.

    Args:
        sums: Of the values in each task.
        counts: How many values each has.
        strata: The stratum of each.
        weights: Of each, see `stratum_weights`.
        seed: Of the resampling.

    Returns:
        None where there are no values at all.

    Source: Efron and Tibshirani, "An introduction to the bootstrap", 1993, section 8.3.
    """
    total, number = np.asarray(sums) * weights, np.asarray(counts) * weights
    if not number.sum():
        return None
    rng = np.random.default_rng(seed)
    kinds = np.asarray(strata, dtype=np.intp)
    places = [np.flatnonzero(kinds == kind) for kind in np.unique(kinds)]
    drawn = np.concatenate(
        [own[rng.integers(len(own), size=(_RESAMPLES, len(own)))] for own in places], axis=1
    )
    numbers = number[drawn].sum(1)
    means = total[drawn].sum(1)[numbers > 0] / numbers[numbers > 0]
    low, high = np.quantile(means, [0.025, 0.975])
    return Estimate(float(total.sum() / number.sum()), float(low), float(high), int(np.sum(counts)))
