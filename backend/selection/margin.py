"""Asks where the two most probable classes are nearly as probable."""

from __future__ import annotations

import numpy as np

from backend.selection.base import Numbers, Situation, known
from backend.selection.by_utility import ByUtility


class Margin(ByUtility):
    """Mean over all places of 1 - (p1 - p2).

    Source: Scheffer, Decomain and Wrobel, "Active hidden Markov models", IDA 2001, on the margin.
    """

    name = "margin"
    uses = frozenset({"margin", "embeddings"})
    needs_version = True

    def utilities(self, situation: Situation, rng: np.random.Generator) -> Numbers:
        """The figure itself; see the base class."""
        return known(situation, self.name).margin
