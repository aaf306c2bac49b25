"""Strokes as rows of clicks.

A stroke says more than a click, but not that every pixel under a thick brush belongs to the object: people
draw over edges. So the middle line counts, as clicks at even distances.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.morphology import skeletonize

from models.arrays import Mask
from models.prompts import Click
from models.regions import Region

MOST_CLICKS = 64
"""Of one stroke."""
_LONGEST_SIDE = 512
"""Pixels of a crop in which the middle line is looked for; larger crops are reduced."""
_SPACING = 0.015
"""Least distance of two clicks, as a fraction of the picture's longer side."""
_LEAST_SPACING = 3.0


def clicks_of_stroke(stroke: Region, size_hw: tuple[int, int], *, positive: bool) -> tuple[Click, ...]:
    """Thin a stroke to clicks on its middle line.

    Args:
        stroke: What was painted.
        size_hw: Height and width of the picture in pixels.
        positive: Whether the stroke lies on the object.

    Returns:
        1 to 64 clicks on pixels of the stroke, as evenly spaced as the line allows; the same stroke always
        gives the same clicks.

    Source: farthest-point sampling; Gonzalez, "Clustering to minimize the maximum intercluster distance",
    1985.
    """
    line = _middle_line(stroke.mask)
    spacing = max(_LEAST_SPACING, _SPACING * max(size_hw))
    chosen = [int(np.argmax(_distances(line, line.mean(axis=0))))]
    nearest = _distances(line, line[chosen[0]])
    while len(chosen) < MOST_CLICKS and nearest.max() >= spacing:
        chosen.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, _distances(line, line[chosen[-1]]))
    return tuple(
        Click(stroke.top + float(row), stroke.left + float(column), positive) for row, column in line[chosen]
    )


def _middle_line(mask: Mask) -> NDArray[np.float64]:
    """Pixels (row, column) of the mask along its middle, (N, 2); at least one."""
    factor = max(1.0, max(mask.shape) / _LONGEST_SIDE)
    height, width = (max(1, round(side / factor)) for side in mask.shape)
    reduced = cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA) > 0
    rows_and_columns = (np.argwhere(skeletonize(reduced)) + 0.5) * (
        mask.shape[0] / height,
        mask.shape[1] / width,
    )
    places = np.floor(rows_and_columns).astype(int)
    places = places[mask[places[:, 0], places[:, 1]]]
    if not len(places):
        depth = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        places = np.argwhere(depth[1:-1, 1:-1] == depth.max())[:1]
    points: NDArray[np.float64] = places.astype(float)
    return points


def _distances(points: NDArray[np.float64], place: NDArray[np.float64]) -> NDArray[np.float64]:
    distances: NDArray[np.float64] = np.hypot(*(points - place).T)
    return distances
