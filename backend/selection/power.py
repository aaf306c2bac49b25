"""Noise that makes batches of uncertain pictures diverse."""

from __future__ import annotations

import numpy as np

from backend.selection.base import Numbers

_SMALLEST = 1e-6


def power_noised(values: Numbers, temperature: float, rng: np.random.Generator) -> Numbers:
    """Logarithms of values with Gumbel noise: taking the largest is sampling without replacement.

    Args:
        values: (N,) at least 0.
        temperature: 0 leaves the order as it is; 1 samples in proportion to the values.
        rng: Chance.

    Source: Kirsch et al., "Stochastic batch acquisition: a simple baseline for deep active learning", TMLR
    2023, on PowerBALD.
    """
    return np.asarray(np.log(np.maximum(values, _SMALLEST)) + temperature * rng.gumbel(size=len(values)))


def decayed_temperature(n_labelled: int, budget: int) -> float:
    """Noise that falls with the rounds: 1 in the first, 1/2 in the second, and so on."""
    return 1 / (1 + n_labelled / max(budget, 1))
