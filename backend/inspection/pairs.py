"""Which objects of a picture share pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from backend.inspection.base import DrawnObject


def overlapping_pairs(objects: Sequence[DrawnObject]) -> list[tuple[int, int, float, float]]:
    """Find the pairs of objects that share pixels.

    Args:
        objects: Of one picture.

    Returns:
        For each pair: the index of the earlier and of the later one, the share of the smaller one's pixels
        that both have, and their intersection over union, in (0, 1].
    """
    if not objects:
        return []
    boxes = np.array([drawn.region.box for drawn in objects])
    starts, ends = boxes[:, :2], boxes[:, 2:]
    meet = (starts[:, None] < ends).all(2) & (ends[:, None] > starts).all(2)
    pairs = []
    for one, other in zip(*np.nonzero(np.triu(meet, 1)), strict=True):
        first, second = objects[one].region, objects[other].region
        iou = first.iou(second)
        if iou > 0:
            shared = iou / (1 + iou) * (first.area + second.area)
            pairs.append((int(one), int(other), shared / min(first.area, second.area), iou))
    return pairs
