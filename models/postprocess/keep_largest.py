"""Keeps one piece of each object: for things that are never in several pieces."""

from collections.abc import Sequence

import numpy as np

from models.arrays import Mask
from models.masks import components
from models.postprocess.base import MaskPostProcessor, keep_clicked
from models.prompts import Click


class KeepLargest(MaskPostProcessor):
    """Keeps the largest component, and those that were clicked as positive."""

    name = "keep-largest"

    def process_mask(self, mask: Mask, clicks: Sequence[Click]) -> Mask:
        """Keep the largest component of one mask; see the base class."""
        labels, areas = components(mask)
        areas[0] = 0
        keep = np.zeros(len(areas), dtype=bool)
        keep[areas.argmax()] = True
        keep_clicked(keep, labels, clicks)
        return np.asarray(keep[labels])
