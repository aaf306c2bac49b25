"""The default: different pictures while little is known, then uncertain ones of every class."""

from __future__ import annotations

import numpy as np

from backend.selection.base import Indices, Numbers, Selector, Situation, known
from backend.selection.class_stratified_power_entropy import stratified_batch
from backend.selection.core_set import to_labelled
from backend.selection.distances import squared_distances
from backend.selection.sequence_aware import SequenceAware
from backend.selection.typiclust import TypiClust

_FEW = 16
"""Annotated pictures below which uncertainty says little."""


class Auto(Selector):
    """Chooses by how much is known.

    1. While fewer than 16 pictures are annotated, or nothing is trained: one picture of each sequence, the
       frames far apart, since redundancy decides the winner where frames follow each other (Mittal et al.,
       2019). Without sequences, in turn the most typical picture of a cluster and the one least like all
       chosen ones. Typical pictures win at low budgets (Hacohen et al., ICML 2022), but rare classes are not
       among them: of 1,244 magnetic tiles, 29 % with one of five kinds of defects, 16 typical ones show 2.7
       kinds, 16 of the two in turn 4.1 (at random 2.5; means of ten seeds), while the mean distance of a tile
       to the nearest chosen one is nearly as small (0.287 against 0.274; 0.302).
    2. Then: sequences in turn where there are some; elsewhere classes in turn with noise that falls
       (ClaSP PE, the only method better than foreground-aware random over the settings of nnActive). The
       figure is the entropy over objects and their outlines, times one minus the expected Dice coefficient.

    In both, pictures that look alike or follow each other are not asked together.
    """

    name = "auto"
    uses = frozenset({"class_entropy", "embeddings", "quality", "selective_entropy"})

    def utilities(self, situation: Situation, rng: np.random.Generator) -> Numbers:
        """The figure of the second phase; without a trained version, that of the first. See the base."""
        if situation.figures is None:
            return (SequenceAware() if _follows_sequences(situation) else TypiClust()).utilities(
                situation, rng
            )
        return _doubt(situation)

    def select(self, situation: Situation, budget: int, rng: np.random.Generator) -> Indices:
        """See the base class."""
        if _follows_sequences(situation):
            return SequenceAware().select(situation, budget, rng)
        if situation.figures is None or len(situation.labelled) < _FEW:
            return _typical_and_unlike(situation, budget, rng)
        doubt = _doubt(situation)
        by_class = np.sqrt(doubt[:, None] * situation.figures.class_entropy)
        return stratified_batch(situation, doubt, by_class, budget, rng)


def _follows_sequences(situation: Situation) -> bool:
    """Whether most pictures belong together with others."""
    return len(np.unique(situation.candidates.groups)) <= len(situation.candidates) / 2


def _typical_and_unlike(situation: Situation, budget: int, rng: np.random.Generator) -> Indices:
    """The pictures of TypiClust, in turn with the one farthest from all annotated and chosen ones."""
    embeddings = situation.candidates.embeddings
    typical = iter(TypiClust().select(situation, budget, rng))
    distances = to_labelled(situation)
    chosen: list[int] = []
    while len(chosen) < min(budget, len(embeddings)):
        if len(chosen) % 2:
            chosen.append(int(np.argmax(distances)))
        else:
            chosen.append(next(int(index) for index in typical if distances[index] >= 0))
        np.minimum(distances, squared_distances(embeddings, chosen[-1]), out=distances)
        distances[chosen[-1]] = -1.0
    return np.array(chosen, dtype=np.intp)


def _doubt(situation: Situation) -> Numbers:
    """Uncertainty of the outlines and expected error, their geometric mean, (N,) in [0, 1]."""
    figures = known(situation, Auto.name)
    return np.sqrt(figures.selective_entropy * (1 - figures.quality))
