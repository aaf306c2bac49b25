"""Batches of valuable tasks that are not all alike."""

from __future__ import annotations

import numpy as np

from backend.selection.base import Indices, Numbers, Places
from backend.selection.distances import squared_distances

_KERNEL = 0.35
"""Distance between embeddings, of length 1, at which two pictures share most of what they teach."""
_LONGLIST = 20
"""So many times the budget are looked at; what has less utility than those is not chosen anyway."""
_FRAMES_APART = 0.1
"""Share of a sequence's length within which its frames are taken for the same."""


def spread(utilities: Numbers, candidates: Places, budget: int) -> Indices:
    """Choose greedily by utility, less what pictures chosen before already teach.

    Utilities are replaced by their ranks, since selectors measure in different units. A candidate's rank is
    multiplied by one minus its likeness to the most similar picture of the batch: of embeddings by a Gaussian
    of their distance, of frames of one sequence by how near they are.

    Args:
        utilities: (N,) finite, higher is better.
        candidates: What may be chosen.
        budget: Most to choose, at least 1.

    Returns:
        (min(budget, N),) indices, the most valuable first.

    Source: maximal marginal relevance, Carbonell and Goldstein, SIGIR 1998, section 2, with a product.
    """
    longlist = np.argsort(-utilities, kind="stable")[: _LONGLIST * budget]
    reach = _reaches(candidates)[longlist]
    among = candidates[longlist]
    values = 1 - np.arange(len(longlist)) / len(candidates)
    likeness = np.zeros(len(longlist))
    chosen: list[int] = []
    for _ in range(min(budget, len(candidates))):
        best = int(np.argmax(values * (1 - likeness)))
        chosen.append(best)
        np.maximum(likeness, _likeness(among, best, reach), out=likeness)
        values[best] = -1.0
    return longlist[chosen]


def _likeness(places: Places, index: int, reach: Numbers) -> Numbers:
    """How much one picture teaches of what the others do, (N,) in [0, 0.99]."""
    by_looks = np.exp(-squared_distances(places.embeddings, index) / (2 * _KERNEL**2))
    apart = np.abs(places.frames - places.frames[index])
    with np.errstate(invalid="ignore"):
        near = np.where(apart <= reach[index], 1 - apart / np.maximum(reach[index], 1e-12) / 2, 0.0)
    by_frames = np.where((places.groups == places.groups[index]) & np.isfinite(apart), near, 0.0)
    return np.asarray(np.minimum(np.maximum(by_looks, by_frames), 0.99))


def _reaches(places: Places) -> Numbers:
    """By picture, the distance in frames within which its neighbours are like it."""
    names, inverse = np.unique(places.groups, return_inverse=True)
    lowest, highest = np.full(len(names), np.inf), np.full(len(names), -np.inf)
    known = np.isfinite(places.frames)
    np.minimum.at(lowest, inverse[known], places.frames[known])
    np.maximum.at(highest, inverse[known], places.frames[known])
    length = np.where(highest > lowest, highest - lowest, 0.0)
    return np.asarray(_FRAMES_APART * length[inverse])
