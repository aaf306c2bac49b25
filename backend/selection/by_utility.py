"""What selectors share that give each task a value of its own."""

from __future__ import annotations

import numpy as np

from backend.selection.base import Indices, Selector, Situation
from backend.selection.spread import spread


class ByUtility(Selector):
    """Takes the most valuable tasks that are not alike."""

    def select(self, situation: Situation, budget: int, rng: np.random.Generator) -> Indices:
        """See the base class, and `spread`."""
        return spread(self.utilities(situation, rng), situation.candidates, budget)
