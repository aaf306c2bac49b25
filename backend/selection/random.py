"""Asks at random, which is hard to beat."""

from __future__ import annotations

import numpy as np

from backend.selection.base import Indices, Numbers, Selector, Situation


class Random(Selector):
    """Every task with the same chance."""

    name = "random"

    def utilities(self, situation: Situation, rng: np.random.Generator) -> Numbers:
        """Chance alone; see the base class."""
        return rng.random(len(situation.candidates))

    def select(self, situation: Situation, budget: int, rng: np.random.Generator) -> Indices:
        """A random sample; see the base class."""
        return rng.permutation(len(situation.candidates))[:budget]
