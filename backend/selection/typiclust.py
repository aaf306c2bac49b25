"""Asks the most typical picture of each cluster that nobody has annotated."""

from __future__ import annotations

import warnings

import numpy as np
from scipy.cluster.vq import kmeans2

from backend.selection.base import Indices, Numbers, Selector, Situation
from backend.selection.distances import Embeddings, mean_distance_to_neighbours, nearest

_NEIGHBOURS = 20
_MOST_CLUSTERS = 500
_MOST_CLUSTERED = 5000
"""Pictures from which the centres are computed; all are then assigned to them."""
_MOST_COMPARED = 5000
"""Pictures among which neighbours are looked for."""
_SMALLEST_CLUSTER = 5
_ITERATIONS = 20
_SMALLEST_DISTANCE = 1e-5


class TypiClust(Selector):
    """One picture per cluster: those with the fewest annotated pictures first, large before small ones.

    A picture is typical when its nearest neighbours are near: the inverse of their mean distance.

    Source: Hacohen, Dekel and Weinshall, "Active learning on a budget: opposite strategies suit high and low
    budgets", ICML 2022, algorithm 1, with its 20 neighbours, 500 clusters and 5 pictures at least.
    """

    name = "typiclust"
    uses = frozenset({"embeddings"})

    def utilities(self, situation: Situation, rng: np.random.Generator) -> Numbers:
        """Typicality among all candidates; see the base class."""
        return typicality(situation.candidates.embeddings)

    def select(self, situation: Situation, budget: int, rng: np.random.Generator) -> Indices:
        """See the base class; when every cluster was asked, the next round asks its next typical picture."""
        n_candidates = len(situation.candidates)
        wanted = min(budget, n_candidates)
        everything = np.concatenate([situation.candidates.embeddings, situation.labelled.embeddings])
        n_clusters = min(len(situation.labelled) + wanted, _MOST_CLUSTERS, len(everything))
        cluster_of = clustered(everything, n_clusters, rng)
        members = [np.flatnonzero(cluster_of[:n_candidates] == each) for each in range(n_clusters)]
        queues = [
            part[np.argsort(-typicality(situation.candidates.embeddings[part]), kind="stable")]
            for part in members
        ]
        n_asked = np.bincount(cluster_of[n_candidates:], minlength=n_clusters)
        sizes = np.bincount(cluster_of, minlength=n_clusters)
        chosen: list[int] = []
        taken = np.zeros(n_clusters, dtype=np.intp)
        while len(chosen) < wanted:
            left = [each for each in range(n_clusters) if taken[each] < len(queues[each])]
            best = min(left, key=lambda each: (n_asked[each], sizes[each] < _SMALLEST_CLUSTER, -sizes[each]))
            chosen.append(int(queues[best][taken[best]]))
            taken[best] += 1
            n_asked[best] += 1
        return np.array(chosen, dtype=np.intp)


def typicality(embeddings: Embeddings) -> Numbers:
    """Inverse of the mean distance to the 20 nearest neighbours, (N,); larger is more typical."""
    n_neighbours = min(_NEIGHBOURS, len(embeddings) - 1)
    if n_neighbours < 1 or not embeddings.shape[1]:
        return np.zeros(len(embeddings))
    others = embeddings[:: -(-len(embeddings) // _MOST_COMPARED)]
    return 1 / (mean_distance_to_neighbours(embeddings, others, n_neighbours) + _SMALLEST_DISTANCE)


def clustered(embeddings: Embeddings, n_clusters: int, rng: np.random.Generator) -> Indices:
    """The cluster of each picture, (N,) in [0, n_clusters), by k-means."""
    if n_clusters < 2 or not embeddings.shape[1]:
        return np.arange(len(embeddings)) % max(n_clusters, 1)
    sample = rng.permutation(len(embeddings))[:_MOST_CLUSTERED]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # an empty cluster: equal pictures; nothing is lost
        centres, _ = kmeans2(embeddings[sample], n_clusters, _ITERATIONS, minit="points", rng=rng)
    return nearest(embeddings, centres)[0]
