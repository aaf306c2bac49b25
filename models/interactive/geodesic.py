"""First guesses of an object from clicks: geodesic discs that stop at edges.

From the positive clicks a front grows, fast through even colours like the clicked ones and slowly
across edges. Of the shapes that it passes through, the one whose outline lies on edges best is the guess.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.graph import MCP_Geometric

from models.arrays import Image, Mask
from models.gradients import gradients, smooth_lab

Field = NDArray[np.float32]
Pixels = Sequence[tuple[int, int]]

# A step through a pixel costs base + edge × gradient + colour × difference from the clicked colours, the
# last two in units of their means over the grid.
_BASE_COST = 0.05
_EDGE_COST = 1.0
_COLOUR_COST = 0.5
_SHAPES = 28
"""How many of the front's shapes are looked at."""
_SMALLEST_AREA = 8
"""Of a shape, in pixels of the grid."""
_LARGEST_SHARE = 0.8
"""Of a shape, in units of the grid's area."""
_SIZE_BONUS = 0.1
"""Exponent of the area in the strength: of equally good outlines the larger is meant more often."""
MAX_RATIO = 4.0
"""Where the ratios of a guess are cut off."""


@dataclass(frozen=True, eq=False)
class Guess:
    """A first guess on a grid.

    Attributes:
        nearness: Distance to the positive clicks divided by the smaller of the front's distance and the
            distance to the negative clicks, (h, w), 0..4; at most 1 inside the guessed object.
        negative_nearness: Distance to the negative clicks divided by that to the positive ones, (h, w), 0..4.
        strength: How well the outline lies on edges; comparable between grids of one picture.
    """

    nearness: Field
    negative_nearness: Field
    strength: float


def guess(grid: Image, positives: Pixels, negatives: Pixels, share: float = 1.0) -> Guess:
    """Guess the object that the clicks mean.

    Args:
        grid: The picture at working resolution, (h, w, 3) RGB.
        positives: At least one pixel on the object.
        negatives: Pixels beside the object; where the grid cannot tell one from a positive pixel, the
            positive one counts.
        share: Area of the grid in the picture, in units of the picture's area.

    Source: geodesic distances from clicks as in Bai and Sapiro, "A geodesic framework for fast interactive
    image and video segmentation and matting", ICCV 2007. Choosing the front with the strongest outline
    is our own.
    """
    edges, colours = _contrasts(grid, positives)
    cost = _BASE_COST + _EDGE_COST * _in_means(edges) + _COLOUR_COST * _in_means(colours)
    near = _distance(cost, positives)
    opposed = set(negatives) - set(positives)
    far = _distance(cost, sorted(opposed)) if opposed else np.full_like(near, np.inf)
    front, strength = _strongest_front(near, near < far, edges)
    reach = np.maximum(np.minimum(front, far), 1e-6)
    return Guess(
        nearness=np.minimum(near / reach, MAX_RATIO),
        negative_nearness=np.minimum(far / np.maximum(near, 1e-6), MAX_RATIO),
        strength=strength * share**_SIZE_BONUS,
    )


def _contrasts(grid: Image, positives: Pixels) -> tuple[Field, Field]:
    """Return gradients and differences from the nearest clicked colour, both (h, w), in CIELAB units."""
    smooth = smooth_lab(grid)
    clicked = [np.square(smooth - smooth[pixel]).sum(axis=2) for pixel in positives]
    return gradients(smooth), np.sqrt(np.minimum.reduce(clicked))


def _in_means(values: NDArray[np.float32]) -> Field:
    return np.asarray(values / (values.mean() + 1e-3), dtype=np.float32)


def _distance(cost: Field, seeds: Pixels) -> Field:
    distance, _ = MCP_Geometric(cost.astype(np.float64)).find_costs(seeds)
    return np.asarray(distance, dtype=np.float32)


def _strongest_front(near: Field, reachable: Mask, edges: Field) -> tuple[float, float]:
    """Return the distance of the front whose outline is strongest, and that strength.

    The strength is the mean plus twice the lower quartile of the gradient along the outline (an outline with
    gaps is weak), less the share of the grid's frame that is inside.
    """
    ordered = np.sort(near[reachable])
    beyond = cv2.dilate(np.where(reachable, near, near.max()), np.ones((3, 3), np.uint8))
    areas = np.geomspace(_SMALLEST_AREA, max(_SMALLEST_AREA, _LARGEST_SHARE * near.size), _SHAPES).astype(int)
    best = float(ordered[min(_SMALLEST_AREA, len(ordered) - 1)]), 0.0
    for area in np.unique(areas[areas < len(ordered)]):
        front = float(ordered[area])
        inside = reachable & (near <= front)
        along = edges[inside & (beyond > front)]
        if along.size == 0:
            continue
        frame = np.concatenate([inside[0], inside[-1], inside[:, 0], inside[:, -1]]).mean()
        outline = along.mean() + 2 * np.percentile(along, 25)
        strength = float(outline * (1 - frame) * (area / near.size) ** _SIZE_BONUS)
        if strength > best[1]:
            best = front, strength
    return best
