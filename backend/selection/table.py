"""Figures of many pictures, from those of each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from backend.selection.base import Figures, Numbers
from models.prelabel.figures import PictureFigures


def figures_of(pictures: Sequence[PictureFigures], disagreement: Sequence[float] | None = None) -> Figures:
    """Put the figures of pictures below each other.

    Args:
        pictures: At least one, all of one version.
        disagreement: Between versions, by picture; None if nobody asked for it.
    """

    def column(name: str) -> Numbers:
        return np.array([getattr(each, name) for each in pictures], dtype=np.float64)

    informed = all(each.mutual_information is not None for each in pictures)
    return Figures(
        foreground=column("foreground"),
        least_confidence=column("least_confidence"),
        margin=column("margin"),
        entropy=column("entropy"),
        selective_entropy=column("selective_entropy"),
        quality=column("quality"),
        class_shares=column("class_shares"),
        class_entropy=column("class_entropy"),
        mutual_information=column("mutual_information") if informed else None,
        disagreement=None if disagreement is None else np.asarray(disagreement, dtype=np.float64),
    )
