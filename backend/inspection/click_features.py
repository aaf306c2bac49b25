"""What the prompts of an object tell about the mask that they led to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.inspection.base import PromptStep
from models.masks import distance_inside
from models.prompts import Click
from models.regions import Region

NAMES = (
    "clicks",
    "negative share",
    "last change",
    "last growth",
    "spread",
    "negative distance",
    "first depth",
    "dents",
    "outline",
    "area",
    "longest pause",
)
_MOST = 3.0
_FAR = 2.0
"""In diameters; negative clicks that are farther away all say the same."""
_LONG_PAUSE_S = 60.0
_LONG_OUTLINE = 10.0
"""In the square root of the area; that of a disc is 3.5."""
_LARGE = 8.0
"""Logarithm of the area of an object of 3000 pixels."""


def click_features(steps: Sequence[PromptStep], region: Region) -> NDArray[np.float64]:
    """Describe how an object was prompted, and how the prompts lie to the mask.

    Source: Benenson et al., "Large-scale interactive object segmentation with human annotators", CVPR 2019,
    section 4 (clicks, their places, times and effects predict the quality of the mask).

    Args:
        steps: At least one, oldest first.
        region: The mask that was accepted.

    Returns:
        (11,) in the order of `NAMES`, each in [0, 3]: logarithm of the number of prompts; share of negative
        clicks; 1 - IoU of the last answer with the one before, 0 for a single answer; absolute logarithm of
        the last answer's growth; spread of the positive clicks, and mean distance of the negative ones to the
        mask, both over the square root of the area; depth of the first click by the greatest depth of the
        mask; share of the convex hull outside the mask; length of all outlines, of crumbs and holes too, over
        ten times the square root of the area; logarithm of the area over 8; logarithm of the longest pause
        between answers over that of a minute.
    """
    last = steps[-1]
    clicks = last.prompts.clicks
    positive = [click for click in clicks if click.positive]
    negative = [click for click in clicks if not click.positive]
    size = math.sqrt(region.area)
    depth = distance_inside(region.mask)
    growth = math.log(max(1, last.area) / max(1, steps[-2].area)) if len(steps) > 1 else 0.0
    pause = max((later.at - earlier.at for earlier, later in pairwise(steps)), default=0.0)
    values = (
        math.log(max(1, len(clicks) + (last.prompts.box is not None))),
        len(negative) / max(1, len(clicks)),
        0.0 if last.overlap is None else 1 - last.overlap,
        abs(growth),
        _spread(positive) / size,
        _mean_distance(negative, region) / size,
        _depth_at(clicks[0], depth, region) / float(depth.max()) if clicks else 0.5,
        1 - region.area / _hull_area(region),
        _outlines_length(region) / size / _LONG_OUTLINE,
        math.log(region.area) / _LARGE,
        math.log1p(max(0.0, pause)) / math.log(_LONG_PAUSE_S),
    )
    return np.clip(np.array(values), 0, _MOST)


def _spread(clicks: Sequence[Click]) -> float:
    places = np.array([[click.row, click.column] for click in clicks]).reshape(-1, 2)
    return float(places.std(axis=0).sum()) if len(places) > 1 else 0.0


def _mean_distance(clicks: Sequence[Click], region: Region) -> float:
    """Mean distance of clicks to the mask, in pixels; those inside it have none."""
    if not clicks:
        return 0.0
    margin = int(_FAR * math.sqrt(region.area)) + 2
    outside = (~np.pad(region.mask, margin)).astype(np.uint8)
    distances = cv2.distanceTransform(outside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    places = np.array([click.pixel for click in clicks]) - (region.top, region.left) + margin
    rows, columns = places.clip(0, np.array(distances.shape) - 1).T
    return float(distances[rows, columns].mean())


def _depth_at(click: Click, depth: NDArray[np.float32], region: Region) -> float:
    row, column = click.pixel[0] - region.top, click.pixel[1] - region.left
    inside = 0 <= row < depth.shape[0] and 0 <= column < depth.shape[1]
    return float(depth[row, column]) if inside else 0.0


def _hull_area(region: Region) -> float:
    """Area of the convex hull, at least that of the mask."""
    corners = cv2.convexHull(np.argwhere(region.mask).astype(np.int32))
    return max(float(cv2.contourArea(corners)), float(region.area))


def _outlines_length(region: Region) -> float:
    outlines, _ = cv2.findContours(
        np.pad(region.mask, 1).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE
    )
    return float(sum(cv2.arcLength(each, closed=True) for each in outlines))
