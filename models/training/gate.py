"""Whether a new model may replace the one in use: it must not be worse on what neither has learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

_RESAMPLES = 2000
_TOLERANCE = 0.01
"""A mean difference smaller than this is not worse; scores lie in [0, 1]. Losses of versions that follow each
other count together."""


@dataclass(frozen=True)
class GateDecision:
    """The outcome, with its evidence.

    Attributes:
        passed: Whether the candidate may be used.
        reason: One sentence for people.
        figures: Plain JSON values: means, differences and their confidence intervals.
        compared: Keys of the examples that decided.
    """

    passed: bool
    reason: str
    figures: Mapping[str, Any]
    compared: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """A candidate against one rival on the same examples.

    Attributes:
        mean: The candidate's mean score.
        rival_mean: The rival's.
        low: Lower end of the 95 % confidence interval of the mean difference, candidate minus rival.
        high: Its upper end.
        chance_worse: Share of the resamples in which the candidate is worse by more than the tolerance.
    """

    mean: float
    rival_mean: float
    low: float
    high: float
    chance_worse: float

    @property
    def worse(self) -> bool:
        """Whether the candidate is more probably worse than not."""
        return self.chance_worse > 0.5

    def to_json(self) -> dict[str, float]:
        """Plain JSON values."""
        values = {"mean": self.mean, "rival_mean": self.rival_mean, "low": self.low, "high": self.high}
        return {
            name: round(value, 4) for name, value in (*values.items(), ("chance_worse", self.chance_worse))
        }


def compare(
    candidate: Sequence[float], rival: Sequence[float], *, shortfall: float = 0.0, seed: int = 0
) -> Comparison:
    """Paired bootstrap of two models' scores.

    Args:
        candidate: A score per example, in [0, 1], higher is better; at least one.
        rival: The other model's scores of the same examples, in the same order.
        shortfall: How much of the tolerance the rival has used up.
        seed: Of the resampling.

    Raises:
        ValueError: The lengths differ, or there are no scores.

    Source: Efron and Tibshirani, "An introduction to the bootstrap", 1993, section 16.4, on differences.
    """
    if len(candidate) != len(rival) or not len(candidate):
        raise ValueError("A comparison needs the same number of scores of both models, at least one.")
    differences = np.asarray(candidate, dtype=np.float64) - np.asarray(rival, dtype=np.float64)
    rng = np.random.default_rng(seed)
    drawn = rng.integers(len(differences), size=(_RESAMPLES, len(differences)))
    means = differences[drawn].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return Comparison(
        mean=float(np.mean(candidate)),
        rival_mean=float(np.mean(rival)),
        low=float(low),
        high=float(high),
        chance_worse=float((means < shortfall - _TOLERANCE).mean()),
    )


def decide(
    keys: Sequence[str],
    candidate: Sequence[float],
    rivals: Mapping[str, Sequence[float]],
    how: str,
    shortfalls: Mapping[str, float] = MappingProxyType({}),
) -> GateDecision:
    """Compare a candidate with all rivals on the same examples.

    Args:
        keys: Of the examples.
        candidate: Its scores.
        rivals: Their scores, by what people call them.
        how: What the examples are: "held-out pictures", "cross-validation".
        shortfalls: How much of the tolerance each rival has used up: the figure "shortfall" of the decision
            on it. Losses of versions that follow each other are then no larger together than one may be.
    """
    comparisons = {
        name: compare(candidate, scores, shortfall=shortfalls.get(name, 0.0))
        for name, scores in rivals.items()
    }
    worse = [name for name, comparison in comparisons.items() if comparison.worse]
    lost = [used + comparisons[name].rival_mean - comparisons[name].mean for name, used in shortfalls.items()]
    figures = {
        "how": how,
        "examples": len(keys),
        "score": round(float(np.mean(candidate)), 4),
        "shortfall": round(min(_TOLERANCE, max([0.0, *lost])), 4),
        "against": {name: comparison.to_json() for name, comparison in comparisons.items()},
    }
    against = ", ".join(f"{name} {c.rival_mean:.3f}" for name, c in comparisons.items())
    mean = figures["score"]
    outcome = f"Refused, worse than {' and '.join(worse)}" if worse else "Passed"
    reason = f"{outcome}: {mean:.3f} on {len(keys)} examples ({how}) against {against}."
    return GateDecision(not worse, reason, figures, tuple(keys))
