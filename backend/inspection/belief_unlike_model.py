"""Annotations that are unlike what the network would have drawn."""

from __future__ import annotations

import numpy as np

from backend.inspection.base import Subject
from backend.inspection.picture_outliers import PictureOutlierRule
from backend.inspection.working_grid import UNKNOWN, drawn_classes


class UnlikeModel(PictureOutlierRule):
    """Compares how far an annotation falls short of the agreement that the network itself expects."""

    name = "unlike-model"
    higher_is_worse_because = "the overlap with the network's segmentation is farther below what it expects"
    least_spread = 0.03

    def number(self, subject: Subject) -> float | None:
        """Expected minus reached Dice coefficient; see the base class."""
        belief = subject.belief
        if belief is None or not belief.classes:
            return None
        drawn, winner = drawn_classes(subject, belief), belief.probabilities.argmax(0)
        known = drawn != UNKNOWN
        scores = []
        for number in np.union1d(drawn[known], winner[known]):
            if number > 0:
                one, other = (drawn == number) & known, (winner == number) & known
                scores.append(2 * (one & other).sum() / (one.sum() + other.sum()))
        return belief.expected_dice - float(np.mean(scores)) if scores else None

    def message(self, value: float, median: float) -> str:
        """See the base class."""
        return f"The model draws this otherwise, by {value - median:.0%} more than is usual here."
