"""How uncertain a network is about a picture, in a few numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.arrays import Mask
from models.label_schema import LabelSchema, Question
from models.prelabel.analysis import Analysis

Values = NDArray[np.float64]

_SURROUNDINGS = 0.02
"""Width of the band around objects in which outlines are drawn, of the longer side."""
_SMALLEST = 1e-12


@dataclass(frozen=True)
class PictureFigures:
    """What a version says about a picture. All in [0, 1].

    Places are pixels for objects, and questions for answers; where a project has both, either counts half.

    Attributes:
        foreground: Share of the picture that belongs to objects; 1 if only questions are asked.
        least_confidence: Mean of 1 - the largest probability.
        margin: Mean of 1 - (largest - second largest probability).
        entropy: Mean entropy over its greatest possible value.
        selective_entropy: The same over objects and their surroundings; over everything where there is none.
        quality: Dice coefficient to expect.
        class_shares: By class, the share of the picture that it has; then the probability of each answer.
        class_entropy: By class, the mean entropy where it is predicted, 0 where it is not; then that of the
            answers.
        mutual_information: BALD over its greatest possible value; None if it was not computed.
    """

    foreground: float
    least_confidence: float
    margin: float
    entropy: float
    selective_entropy: float
    quality: float
    class_shares: tuple[float, ...]
    class_entropy: tuple[float, ...]
    mutual_information: float | None = None


def picture_figures(
    analysis: Analysis, schema: LabelSchema, *, quality: float, mutual_information: float | None = None
) -> PictureFigures:
    """Sum up an analysis.

    Args:
        analysis: Of the picture.
        schema: What was asked.
        quality: Dice coefficient to expect, calibrated.
        mutual_information: See `mutual_information_of`.
    """
    parts: list[tuple[float, ...]] = []
    inside = analysis.winner > 0
    shares: list[float] = []
    entropies: list[float] = []
    if schema.classes:
        places = analysis.probabilities.reshape(len(analysis.probabilities), -1).astype(np.float64)
        entropy = entropy_of(places)
        parts.append((*_doubts(places), entropy.mean(), entropy[_where_drawn(inside).ravel()].mean()))
        winner = analysis.winner.ravel()
        for each in range(1, len(schema.classes) + 1):
            shares.append(float((winner == each).mean()))
            entropies.append(float(entropy[winner == each].mean()) if shares[-1] else 0.0)
    answered = []
    for question, probabilities in zip(schema.questions, analysis.answers, strict=True):
        asked = as_places(question, probabilities.astype(np.float64))
        entropy = entropy_of(asked)
        answered.append((*_doubts(asked), entropy.mean(), entropy.mean()))
        shares += probabilities.tolist()
        entropies += np.broadcast_to(entropy, len(probabilities)).tolist()
    if answered:
        parts.append(tuple(np.mean(answered, axis=0)))
    least_confidence, margin, whole, selective = (float(value) for value in np.mean(parts, axis=0))
    return PictureFigures(
        foreground=float(inside.mean()) if schema.classes else 1.0,
        least_confidence=least_confidence,
        margin=margin,
        entropy=whole,
        selective_entropy=selective,
        quality=quality,
        class_shares=tuple(shares),
        class_entropy=tuple(entropies),
        mutual_information=mutual_information,
    )


def entropy_of(probabilities: Values) -> Values:
    """Entropy over its greatest possible value.

    Args:
        probabilities: (K, places), sum 1; K at least 2.

    Returns:
        (places,) in [0, 1].
    """
    logs = np.log(np.maximum(probabilities, _SMALLEST))
    return np.asarray(-(probabilities * logs).sum(0) / np.log(len(probabilities)))


def mutual_information_of(passes: Sequence[Values]) -> float:
    """Mean mutual information between a place's class and the network.

    Args:
        passes: Probabilities of several networks, each (K, places), sum 1; at least one.

    Returns:
        H(mean p) - mean H(p) over the greatest possible entropy, in [0, 1].

    Source: Houlsby et al., "Bayesian active learning for classification", arXiv:1112.5745, section 2.
    """
    together = entropy_of(np.mean(passes, axis=0)).mean()
    return float(max(together - np.mean([entropy_of(each).mean() for each in passes]), 0.0))


def disagreement_of(winners: Sequence[NDArray[np.intp]]) -> float:
    """One minus the mean Dice coefficient between pairs of segmentations, over the classes that occur.

    Args:
        winners: The class of each place by each network, all of one shape, 0 = background.

    Returns:
        In [0, 1]; 0 for a single network.
    """
    dices = [_mean_dice(one, other) for index, one in enumerate(winners) for other in winners[index + 1 :]]
    return float(1 - np.mean(dices)) if dices else 0.0


def _mean_dice(one: NDArray[np.intp], other: NDArray[np.intp]) -> float:
    classes = np.union1d(np.unique(one), np.unique(other))
    scores = [
        2
        * float(((one == each) & (other == each)).sum())
        / float((one == each).sum() + (other == each).sum())
        for each in classes
        if each > 0
    ]
    return float(np.mean(scores)) if scores else 1.0


def _doubts(probabilities: Values) -> tuple[float, float]:
    """Mean 1 - largest probability and mean 1 - margin of (K, places)."""
    top = np.partition(probabilities, -2, axis=0)[-2:]
    return float(1 - top[1].mean()), float(1 - (top[1] - top[0]).mean())


def as_places(question: Question, probabilities: Values) -> Values:
    """Answers, (answers,), as (K, places): those that exclude each other share a place."""
    if question.multiple or len(probabilities) < 2:
        return np.stack([probabilities, 1 - probabilities])
    return probabilities[:, None]


def _where_drawn(inside: Mask) -> Mask:
    """Objects and the band around them; everything where there are none."""
    if not inside.any():
        return np.ones_like(inside)
    width = 2 * max(1, round(_SURROUNDINGS * max(inside.shape))) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    return np.asarray(cv2.dilate(inside.astype(np.uint8), kernel) > 0)
