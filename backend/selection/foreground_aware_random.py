"""Asks at random, but mostly where there is something to annotate."""

from __future__ import annotations

import numpy as np

from backend.selection.base import Indices, Numbers, Selector, Situation, joined, known

_WITH_OBJECTS = 2 / 3
"""Share of the batch that must contain predicted objects, as in nnActive."""
_FEWEST_PIXELS = 1e-3
"""Share of the picture below which nothing was found."""


class ForegroundAwareRandom(Selector):
    """Two thirds of the batch at random among pictures with predicted objects, by class; the rest among all.

    Source: nnActive, Lüth et al., 2025, where nothing beats it reliably over all settings.
    """

    name = "foreground-aware-random"
    uses = frozenset({"foreground", "class_shares"})
    needs_version = True

    def utilities(self, situation: Situation, rng: np.random.Generator) -> Numbers:
        """Chance, above it whether there are objects; see the base class."""
        return rng.random(len(situation.candidates)) + self._with_objects(situation)

    def select(self, situation: Situation, budget: int, rng: np.random.Generator) -> Indices:
        """Classes in turn, then chance; see the base class."""
        n_candidates = len(situation.candidates)
        shares = known(situation, self.name).class_shares
        order = rng.permutation(n_candidates)
        by_class = [order[shares[order, each] > _FEWEST_PIXELS] for each in range(shares.shape[1])]
        turns = [part[turn] for turn in range(budget) for part in by_class if turn < len(part)]
        stratified = joined(
            [np.array(turns, dtype=np.intp)], round(_WITH_OBJECTS * min(budget, n_candidates))
        )
        return joined([stratified, rng.permutation(n_candidates)], budget)

    def _with_objects(self, situation: Situation) -> Numbers:
        return (known(situation, self.name).foreground > _FEWEST_PIXELS).astype(np.float64)
