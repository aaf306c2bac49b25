"""Asks where past versions disagree."""

from __future__ import annotations

import numpy as np

from backend.selection.base import Numbers, Situation, known, present
from backend.selection.by_utility import ByUtility


class Committee(ByUtility):
    """One minus the mean Dice coefficient between what snapshots of the network segment.

    Source: Seung, Opper and Sompolinsky, "Query by committee", COLT 1992; Dice coefficients between networks
    after Nath et al., "Diminishing uncertainty within the training pool", TMI 2021.
    """

    name = "committee"
    uses = frozenset({"disagreement", "embeddings"})
    needs_version = True

    def utilities(self, situation: Situation, rng: np.random.Generator) -> Numbers:
        """The figure itself; see the base class."""
        return present(known(situation, self.name).disagreement)
