"""What a network says about a picture, before it becomes regions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Map = NDArray[np.float32]

_SHRINKAGE = 0.5
"""How strongly the weights are drawn together, in units of the variance of the estimates."""
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
        embedding: What the picture is like, (D,).
    """

    probabilities: Map
    depth: Map
    errors: Map
    answers: tuple[Map, ...]
    quality: float
    embedding: Map

    @property
    def winner(self) -> NDArray[np.intp]:
        """The most probable class of each place, (h, w), 0 = background."""
        return np.asarray(self.probabilities.argmax(0))


@dataclass(frozen=True)
class Calibration:
    """From what the network believes to the Dice coefficient to expect: a weighted sum of three estimates.

    Attributes:
        offset: Added to the sum.
        quality: Weight of the network's own estimate.
        errors: Weight of the estimate from the error map.
        confidence: Weight of the estimate from the probabilities.
    """

    offset: float = 0.0
    quality: float = 0.5
    errors: float = 0.5
    confidence: float = 0.0

    def expected_dice(self, analysis: Analysis) -> float:
        """The Dice coefficient to expect, in [0, 1]."""
        weights = np.array([self.offset, self.quality, self.errors, self.confidence])
        return float(np.clip(weights @ [1.0, *estimates(analysis)], 0, 1))

    def to_json(self) -> dict[str, float]:
        """Plain JSON values; `from_json` reads them."""
        return {
            "offset": self.offset,
            "quality": self.quality,
            "errors": self.errors,
            "confidence": self.confidence,
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
        )


def fit_calibration(beliefs: Sequence[tuple[float, float, float]], dices: Sequence[float]) -> Calibration:
    """The weights with the least squared error, drawn towards the plain mean of the three estimates.

    Args:
        beliefs: The `estimates` of pictures that the network has not learned from.
        dices: What was reached on them.
    """
    if not beliefs:
        return Calibration()
    facts, truth = np.array(beliefs), np.array(dices)
    prior = np.full(3, 1 / 3)
    centre, level = facts.mean(0), truth.mean()
    centred = facts - centre
    left = (truth - level) - centred @ prior
    strength = _SHRINKAGE * len(truth) * max(float(centred.var(0).mean()), 1e-6)
    change = np.linalg.solve(centred.T @ centred + strength * np.eye(3), centred.T @ left)
    weights = np.clip(prior + change, 0, None)
    quality, errors, confidence = weights.tolist()
    return Calibration(float(level - weights @ centre), quality, errors, confidence)


def estimates(analysis: Analysis) -> tuple[float, float, float]:
    """The Dice coefficient in [0, 1] as the network, its error map and its probabilities have it."""
    inside = analysis.winner > 0
    unsure = 1 - analysis.probabilities.max(0)
    return analysis.quality, _dice_with_errors(inside, analysis.errors), _dice_with_errors(inside, unsure)


def _dice_with_errors(inside: NDArray[np.bool_], errors: Map) -> float:
    """Dice coefficient when each place is wrong with this probability."""
    right = 2 * float((1 - errors)[inside].sum()) + _NO_OBJECTS * errors.size
    return right / (right + float(errors.sum()))
