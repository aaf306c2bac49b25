"""Asks in the order of the tasks' numbers, as Label Studio does by itself."""

from __future__ import annotations

import numpy as np

from backend.selection.base import Indices, Numbers, Selector, Situation


class Sequential(Selector):
    """The first task first: what other selectors have to beat."""

    name = "sequential"

    def utilities(self, situation: Situation, rng: np.random.Generator) -> Numbers:
        """Falls with the place in the list; see the base class."""
        return -np.arange(len(situation.candidates), dtype=np.float64)

    def select(self, situation: Situation, budget: int, rng: np.random.Generator) -> Indices:
        """The first ones; see the base class."""
        return np.arange(min(budget, len(situation.candidates)))
