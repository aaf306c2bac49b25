"""Asks where the network expects its own pre-label to be worst."""

from __future__ import annotations

import numpy as np

from backend.selection.base import Numbers, Situation, known
from backend.selection.by_utility import ByUtility


class PredictedQuality(ByUtility):
    """The lowest expected Dice coefficient first.

    Source: Zhang et al., "Deep-LOGISMOS SQA", 2023: a second branch of the network predicts the errors of the
    first, and the worst pictures are asked next.
    """

    name = "predicted-quality"
    uses = frozenset({"quality", "embeddings"})
    needs_version = True

    def utilities(self, situation: Situation, rng: np.random.Generator) -> Numbers:
        """One minus the expected Dice coefficient; see the base class."""
        return 1 - known(situation, self.name).quality
