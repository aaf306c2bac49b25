"""Asks what is least like anything that is annotated."""

from __future__ import annotations

import numpy as np

from backend.selection.base import Indices, Numbers, Places, Selector, Situation
from backend.selection.distances import nearest, squared_distances


class CoreSet(Selector):
    """k-center greedy: always the candidate farthest from all chosen and annotated pictures.

    Source: Sener and Savarese, "Active learning for convolutional neural networks: a core-set approach",
    ICLR 2018, algorithm 1.
    """

    name = "core-set"
    uses = frozenset({"embeddings"})

    def utilities(self, situation: Situation, rng: np.random.Generator) -> Numbers:
        """Distance to the nearest annotated picture; see the base class."""
        return np.sqrt(to_labelled(situation))

    def select(self, situation: Situation, budget: int, rng: np.random.Generator) -> Indices:
        """See the base class. Without annotated pictures, the first is the one nearest to the mean."""
        candidates = situation.candidates
        distances = to_labelled(situation)
        chosen: list[int] = []
        for _ in range(min(budget, len(candidates))):
            best = int(np.argmax(distances)) if chosen or len(situation.labelled) else _central(candidates)
            chosen.append(best)
            np.minimum(distances, squared_distances(candidates.embeddings, best), out=distances)
            distances[best] = -1.0
        return np.array(chosen, dtype=np.intp)


def to_labelled(situation: Situation) -> Numbers:
    """Squared distance of each candidate to the nearest annotated picture, (N,) in [0, 4]; 4 without any."""
    candidates, labelled = situation.candidates, situation.labelled
    if not len(labelled) or not candidates.embeddings.shape[1]:
        return np.full(len(candidates), 4.0)
    return nearest(candidates.embeddings, labelled.embeddings)[1]


def _central(candidates: Places) -> int:
    return int(np.argmax(candidates.embeddings @ candidates.embeddings.mean(0)))
