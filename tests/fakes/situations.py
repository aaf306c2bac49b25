"""Tasks among which a selector may choose."""

import numpy as np

from backend.selection.base import Figures, Places, Situation


def places(
    n_pictures: int, rng: np.random.Generator, *, n_sequences: int | None = None, first_group: int = 0
) -> Places:
    """Pictures of random looks: each on its own, or evenly in sequences of consecutive frames."""
    embeddings = rng.normal(size=(n_pictures, 16)).astype(np.float32)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    numbers = np.arange(n_pictures, dtype=np.int64)
    if n_sequences is None:
        return Places(embeddings, numbers + first_group, np.full(n_pictures, np.nan))
    length = -(-n_pictures // n_sequences)
    return Places(embeddings, numbers // length + first_group, (numbers % length).astype(np.float64))


def figures(n_pictures: int, rng: np.random.Generator, n_classes: int = 3) -> Figures:
    """Random figures; a third of the pictures shows nothing of a class."""
    shares = rng.random((n_pictures, n_classes)) / n_classes
    shares[rng.random(shares.shape) < 1 / 3] = 0
    uncertain = [rng.random(n_pictures) for _ in range(7)]
    return Figures(
        foreground=shares.sum(1),
        least_confidence=uncertain[0],
        margin=uncertain[1],
        entropy=uncertain[2],
        selective_entropy=uncertain[3],
        quality=uncertain[4],
        class_shares=shares,
        class_entropy=rng.random(shares.shape) * (shares > 0),
        mutual_information=uncertain[5],
        disagreement=uncertain[6],
    )


def situation(
    n_candidates: int, n_labelled: int = 0, *, seed: int = 0, n_sequences: int | None = None
) -> Situation:
    """Random candidates of which everything is known, beside annotated pictures."""
    rng = np.random.default_rng(seed)
    candidates = places(n_candidates, rng, n_sequences=n_sequences)
    labelled = places(n_labelled, rng, n_sequences=n_sequences, first_group=0 if n_sequences else 10**6)
    return Situation(candidates, labelled, figures(n_candidates, rng))
