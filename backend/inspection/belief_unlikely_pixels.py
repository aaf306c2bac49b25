"""Annotations with places that the network believes to be something else."""

from __future__ import annotations

import numpy as np

from backend.inspection.base import Subject
from backend.inspection.picture_outliers import PictureOutlierRule
from backend.inspection.working_grid import UNKNOWN, drawn_classes

_TEMPERATURE = 0.1


class UnlikelyPixels(PictureOutlierRule):
    """Compares the soft minimum of the believed probabilities of what was drawn.

    Source: Lad and Mueller, "Estimating label quality and errors in semantic segmentation data via any
    model", 2023, section 3 (softmin of the pixels' likelihoods, temperature 0.1). Differs: the score is
    compared with those of the other annotations, because networks of few examples are never sure.
    """

    name = "unlikely-pixels"
    higher_is_worse_because = "the network finds what was drawn less likely"
    least_spread = 0.02

    def number(self, subject: Subject) -> float | None:
        """One minus the soft minimum, in [0, 1]; see the base class."""
        belief = subject.belief
        if belief is None or not belief.classes:
            return None
        classes = drawn_classes(subject, belief)
        likely = np.take_along_axis(belief.probabilities, np.maximum(classes, 0)[None], axis=0)[0]
        likely = likely[classes != UNKNOWN].astype(np.float64)
        if not likely.size:
            return None
        weights = np.exp((likely.min() - likely) / _TEMPERATURE)
        return float(1 - (likely * weights).sum() / weights.sum())

    def message(self, value: float, median: float) -> str:
        """See the base class."""
        return f"Places are drawn that the model doubts: {value:.2f}, usually {median:.2f} (0 to 1)."
