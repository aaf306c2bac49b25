"""Pre-labels from a neighbour in the sequence: what people marked there, moved to where it is here."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.arrays import Image
from models.prelabel.base import PreLabels
from models.prelabel.propagation import propagate
from models.regions import Region

REACH = 5.0
"""Frames at most between neighbours."""
_LEAST_CONFIDENCE = 0.5


def carried_over(regions: Sequence[Region], from_image: Image, to_image: Image) -> PreLabels | None:
    """Take a neighbour's objects over.

    Args:
        regions: All objects of the neighbour.
        from_image: The neighbour, (H, W, 3) RGB; not modified.
        to_image: The picture to pre-label, of the same size; not modified.

    Returns:
        The objects; the score is the mean share of their pixels whose motion is certain. None if that is too
        little to rely on, or nothing was or is there: what comes into view must be found by others.

    Raises:
        ImageError: The pictures have different sizes.
    """
    moved = propagate(regions, from_image, to_image)
    confidence = float(np.mean([region.score for region in moved])) if moved else 0.0
    return PreLabels(moved, (), confidence) if confidence >= _LEAST_CONFIDENCE else None
