"""How unlike pictures are, computed in parts so that 100,000 of them need little memory."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Embeddings = NDArray[np.float32]
Numbers = NDArray[np.float64]

_CHUNK = 2048
"""Pictures that are compared with all others at once."""


def squared_distances(embeddings: Embeddings, index: int) -> Numbers:
    """From one picture to all.

    Args:
        embeddings: (N, D), each of length 1; D = 0 where nothing is known.
        index: The one.

    Returns:
        (N,) in [0, 4]; 2 where nothing is known.
    """
    if not embeddings.shape[1]:
        return np.full(len(embeddings), 2.0)
    return np.asarray(np.maximum(2 - 2 * (embeddings @ embeddings[index]).astype(np.float64), 0))


def nearest(embeddings: Embeddings, others: Embeddings) -> tuple[NDArray[np.intp], Numbers]:
    """The most similar of other pictures.

    Args:
        embeddings: (N, D), each of length 1.
        others: (M, D); at least one.

    Returns:
        Its index, (N,), and its squared distance, (N,) for vectors of length 1.
    """
    which = np.empty(len(embeddings), dtype=np.intp)
    distances = np.empty(len(embeddings))
    norms = (others.astype(np.float64) ** 2).sum(1)
    for start in range(0, len(embeddings), _CHUNK):
        part = slice(start, start + _CHUNK)
        squared = 1 + norms - 2 * (embeddings[part] @ others.T)
        which[part] = squared.argmin(1)
        distances[part] = np.maximum(squared.min(1), 0)
    return which, distances


def mean_distance_to_neighbours(embeddings: Embeddings, others: Embeddings, n_neighbours: int) -> Numbers:
    """Mean distance to the most similar other pictures.

    Args:
        embeddings: (N, D), each of length 1.
        others: (M, D), each of length 1, of which each picture may be one itself; M > `n_neighbours`.
        n_neighbours: At least 1.

    Returns:
        (N,) in [0, 2].
    """
    means = np.empty(len(embeddings))
    for start in range(0, len(embeddings), _CHUNK):
        cosines = embeddings[start : start + _CHUNK] @ others.T
        best = -np.sort(np.partition(-cosines, n_neighbours, axis=1)[:, : n_neighbours + 1], axis=1)
        means[start : start + _CHUNK] = np.sqrt(np.maximum(2 - 2 * best[:, 1:], 0)).mean(1)
    return means
