"""Asks where predicted objects and their outlines are uncertain."""

from __future__ import annotations

import numpy as np

from backend.selection.base import Numbers, Situation, known
from backend.selection.by_utility import ByUtility


class SelectiveEntropy(ByUtility):
    """Mean entropy over predicted objects and their surroundings, where annotators work.

    Averages over whole pictures mostly say how large the background is.

    Source: Ma et al., "Breaking the barrier: selective uncertainty-based active learning for medical
    image segmentation", ICASSP 2024.
    """

    name = "selective-entropy"
    uses = frozenset({"selective_entropy", "embeddings"})
    needs_version = True

    def utilities(self, situation: Situation, rng: np.random.Generator) -> Numbers:
        """The figure itself; see the base class."""
        return known(situation, self.name).selective_entropy
