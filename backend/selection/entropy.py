"""Asks where the probabilities say least."""

from __future__ import annotations

import numpy as np

from backend.selection.base import Numbers, Situation, known
from backend.selection.by_utility import ByUtility


class Entropy(ByUtility):
    """Mean entropy over all places.

    The best plain measure in nnActive (Lüth et al., 2025), which also warns that it picks pictures that take
    long to annotate.

    Source: Settles, "Active learning literature survey", 2009, section 3.1.
    """

    name = "entropy"
    uses = frozenset({"entropy", "embeddings"})
    needs_version = True

    def utilities(self, situation: Situation, rng: np.random.Generator) -> Numbers:
        """The figure itself; see the base class."""
        return known(situation, self.name).entropy
