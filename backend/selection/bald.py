"""Asks where networks with different parts switched off disagree."""

from __future__ import annotations

import numpy as np

from backend.selection.base import Numbers, Situation, known, present
from backend.selection.by_utility import ByUtility


class Bald(ByUtility):
    """Mutual information between prediction and network: H(mean p) - mean H(p), by Monte Carlo dropout.

    Source: Houlsby et al., "Bayesian active learning for classification", arXiv:1112.5745, section 2; dropout
    after Gal, Islam and Ghahramani, "Deep Bayesian active learning with image data", ICML 2017.
    """

    name = "bald"
    uses = frozenset({"mutual_information", "embeddings"})
    needs_version = True

    def utilities(self, situation: Situation, rng: np.random.Generator) -> Numbers:
        """The figure itself; see the base class."""
        return present(known(situation, self.name).mutual_information)
