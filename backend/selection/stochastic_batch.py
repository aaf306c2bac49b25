"""Asks the most uncertain of many random batches."""

from __future__ import annotations

import numpy as np

from backend.selection.base import Indices, Numbers, Selector, Situation, known

_BATCHES = 200


class StochasticBatch(Selector):
    """Draws 200 random batches and takes the one with the highest mean entropy: uncertain, and still random.

    Source: Gaillochet, Desrosiers and Lombaert, "Active learning for medical image segmentation with
    stochastic batches", Medical Image Analysis 2023, section 3.
    """

    name = "stochastic-batch"
    uses = frozenset({"entropy"})
    needs_version = True

    def utilities(self, situation: Situation, rng: np.random.Generator) -> Numbers:
        """The entropy; see the base class."""
        return known(situation, self.name).entropy

    def select(self, situation: Situation, budget: int, rng: np.random.Generator) -> Indices:
        """See the base class."""
        entropy = self.utilities(situation, rng)
        wanted = min(budget, len(entropy))
        batches = (rng.choice(len(entropy), wanted, replace=False) for _ in range(_BATCHES))
        best = max(batches, key=lambda batch: float(entropy[batch].mean()))
        return np.asarray(best[np.argsort(-entropy[best], kind="stable")], dtype=np.intp)
