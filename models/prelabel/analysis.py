"""What a network says about a picture, before it becomes regions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Map = NDArray[np.float32]
Beliefs: TypeAlias = tuple[float, float, float, float]

_SHRINKAGE = 0.2
"""How strongly the weights are drawn to the defaults, for beliefs of variance 1."""
_SMALLEST_SPREAD = 0.02
"""Beliefs that hardly differ say nothing; few pictures would give them enormous weights."""
_SIGNS = np.array([1, 1, 1, -1])
_NO_OBJECTS = 0.002
"""Share of the picture that counts as correct even where nothing is said to be: keeps 0/0 away."""


@dataclass(frozen=True, eq=False)
class Analysis:
    """Everything that can be known about one picture without asking anybody.

    Attributes:
        probabilities: Of background and classes at the working size, (1 + C, h, w); sum 1.
        depth: How deep inside its object each place is, (h, w) in [0, 1].
        errors: Belief that the most probable class of a place is wrong, (h, w) in [0, 1].
        answers: Probabilities of the answers to each question, each (answers,).
        quality: Dice coefficient as the network itself expects it, in [0, 1]; not calibrated.
        novelty: How unlike the pictures that were learned from this one is, in [0, 2].
        embedding: What the picture is like, (D,), of length 1.
    """

    probabilities: Map
    depth: Map
    errors: Map
    answers: tuple[Map, ...]
    quality: float
    novelty: float
    embedding: Map

    @property
    def winner(self) -> NDArray[np.intp]:
        """The most probable class of each place, (h, w), 0 = background."""
        return np.asarray(self.probabilities.argmax(0))


@dataclass(frozen=True)
class Calibration:
    """From what the network believes to the Dice coefficient to expect: a weighted sum of its beliefs.

    Attributes:
        offset: Added to the sum.
        quality: Weight of the network's own estimate.
        errors: Weight of the estimate from the error map.
        confidence: Weight of the estimate from the probabilities.
        novelty: Weight of the novelty, not positive.
    """

    offset: float = 0.0
    quality: float = 1 / 3
    errors: float = 1 / 3
    confidence: float = 1 / 3
    novelty: float = -1 / 3

    def expected_dice(self, analysis: Analysis) -> float:
        """The Dice coefficient to expect, in [0, 1]."""
        weights = np.array([self.quality, self.errors, self.confidence, self.novelty])
        return float(np.clip(self.offset + weights @ beliefs_of(analysis), 0, 1))

    def to_json(self) -> dict[str, float]:
        """Plain JSON values; `from_json` reads them."""
        return {
            "offset": self.offset,
            "quality": self.quality,
            "errors": self.errors,
            "confidence": self.confidence,
            "novelty": self.novelty,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Calibration:
        """Read what `to_json` wrote.

        Raises:
            KeyError: A field is missing.
        """
        return cls(
            float(value["offset"]),
            float(value["quality"]),
            float(value["errors"]),
            float(value["confidence"]),
            float(value["novelty"]),
        )


def fit_calibration(beliefs: Sequence[Beliefs], dices: Sequence[float]) -> Calibration:
    """The weights with the least squared error, drawn towards the defaults (ridge regression).

    Args:
        beliefs: The `beliefs_of` pictures that the network has not learned from.
        dices: What was reached on them.
    """
    if not beliefs:
        return Calibration()
    facts, truth = np.array(beliefs), np.array(dices)
    default = Calibration()
    spread = facts.std(0) + _SMALLEST_SPREAD
    prior = np.array([default.quality, default.errors, default.confidence, default.novelty]) * spread
    standard = (facts - facts.mean(0)) / spread
    left = truth - truth.mean() - standard @ prior
    strength = _SHRINKAGE * len(truth) * np.eye(len(prior))
    weights = (prior + np.linalg.solve(standard.T @ standard + strength, standard.T @ left)) / spread
    weights = np.where(weights * _SIGNS > 0, weights, 0)
    quality, errors, confidence, novelty = weights.tolist()
    offset = float(truth.mean() - facts.mean(0) @ weights)
    return Calibration(offset, quality, errors, confidence, novelty)


def beliefs_of(analysis: Analysis) -> Beliefs:
    """What speaks for a picture's quality: three estimates of its Dice coefficient, and its novelty.

    The estimates, in [0, 1], are the network's own, the one from its error map and the one from its
    probabilities.
    """
    inside = analysis.winner > 0
    unsure = 1 - analysis.probabilities.max(0)
    by_errors, by_confidence = (_dice_with_errors(inside, wrong) for wrong in (analysis.errors, unsure))
    return analysis.quality, by_errors, by_confidence, analysis.novelty


def _dice_with_errors(inside: NDArray[np.bool_], errors: Map) -> float:
    """Dice coefficient when each place is wrong with this probability."""
    right = 2 * float((1 - errors)[inside].sum()) + _NO_OBJECTS * errors.size
    return right / (right + float(errors.sum()))
