"""Asks where the most probable class is least probable."""

from __future__ import annotations

import numpy as np

from backend.selection.base import Numbers, Situation, known
from backend.selection.by_utility import ByUtility


class LeastConfidence(ByUtility):
    """Mean over all places of 1 - max p.

    Source: Lewis and Catlett, "Heterogeneous uncertainty sampling", ICML 1994.
    """

    name = "least-confidence"
    uses = frozenset({"least_confidence", "embeddings"})
    needs_version = True

    def utilities(self, situation: Situation, rng: np.random.Generator) -> Numbers:
        """The figure itself; see the base class."""
        return known(situation, self.name).least_confidence
