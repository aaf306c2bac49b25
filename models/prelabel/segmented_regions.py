"""From class probabilities to objects at the picture's full size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.morphology import local_maxima, reconstruction
from skimage.segmentation import expand_labels, watershed

from models.arrays import Mask
from models.masks import components
from models.prelabel.analysis import Map, Segments
from models.regions import Region

_NECK = 0.2
"""Two places are two objects if the way between them is less deep by this much."""
_SMALLEST = 6
"""Pixels of the working size."""
_MARGIN = 2
_MOST_ERROR_AREAS = 5
_SMALLEST_ERROR_AREA = 0.001
"""Share of the picture."""
_ERROR_WIDTH = 5
"""Outlines are always unsure; areas are wider than this, in pixels of the working size."""


def regions_of(
    segments: Segments, classes: Sequence[str], countable: frozenset[str], size_hw: tuple[int, int]
) -> tuple[Region, ...]:
    """Cut the most probable classes into objects.

    Args:
        segments: See there.
        classes: Class names, in the order of the channels after the background.
        countable: Classes of which each object is a region of its own; of others all pixels are one region.
        size_hw: Height and width of the picture.

    Returns:
        Objects that do not overlap. The score of each is the mean belief that its pixels are right.
    """
    found = []
    winner = segments.winner
    for number, name in enumerate(classes, start=1):
        mask = winner == number
        if not mask.any():
            continue
        labels = _divided(mask, segments.depth) if name in countable else mask.astype(np.int32)
        margin = _margin_over_others(segments.probabilities, number)
        for membership, (top, left), inside in _memberships(labels, margin):
            right = 1 - segments.errors[top : top + inside.shape[0], left : left + inside.shape[1]]
            region = _enlarged(
                membership, (top, left), mask.shape, size_hw, name, float(right[inside].mean())
            )
            if region is not None:
                found.append(region)
    return _apart(found, size_hw)


def error_areas_of(segments: Segments, size_hw: tuple[int, int]) -> tuple[Region, ...]:
    """The areas where the segmentation is more probably wrong than right, the worst first.

    Args:
        segments: See there.
        size_hw: Height and width of the picture.
    """
    smooth = cv2.blur(segments.errors, (_ERROR_WIDTH, _ERROR_WIDTH))
    labels, areas = components(smooth > 0.5)
    sums = ndimage.sum_labels(smooth, labels, np.arange(len(areas)))
    large = [n for n in range(1, len(areas)) if areas[n] >= _SMALLEST_ERROR_AREA * smooth.size]
    worst = sorted(large, key=lambda n: -sums[n])[:_MOST_ERROR_AREAS]
    found = []
    for number in worst:
        mask = labels == number
        region = _enlarged(
            mask.astype(np.float32), (0, 0), mask.shape, size_hw, "", float(smooth[mask].mean())
        )
        if region is not None:
            found.append(region)
    return tuple(found)


def _apart(regions: Sequence[Region], size_hw: tuple[int, int]) -> tuple[Region, ...]:
    """Leave each pixel to the first region that has it: where two meet, rounding may give it to both."""
    free = np.ones(size_hw, dtype=bool)
    apart = []
    for region in regions:
        top, left, bottom, right = region.box
        own = region.with_mask(region.mask & free[top:bottom, left:right])
        if own is not None:
            own.paint(free, False)
            apart.append(own)
    return tuple(apart)


def _divided(mask: Mask, depth: Map) -> NDArray[np.int32]:
    """Number the objects of one class, (h, w), 0 = none."""
    inner = np.where(mask, depth, 0)
    peaks = local_maxima(reconstruction(np.clip(inner - _NECK, 0, None), inner)) & mask
    markers, _ = ndimage.label(peaks, np.ones((3, 3)))
    whole, _ = components(mask)
    markers = np.where(mask & (ndimage.maximum(markers, whole, whole) == 0), whole + markers.max(), markers)
    labels = np.asarray(watershed(-inner, markers, mask=mask), dtype=np.int32)
    small = np.bincount(labels.ravel()) < _SMALLEST
    return np.where(small[labels], 0, labels)


def _margin_over_others(probabilities: Map, number: int) -> Map:
    """0.5 where a class is as probable as the most probable other one, (h, w) in [0, 1]."""
    own = probabilities[number]
    others = np.delete(probabilities, number, axis=0).max(0)
    return np.asarray(own / (own + others))


def _memberships(labels: NDArray[np.int32], margin: Map) -> Iterator[tuple[Map, tuple[int, int], Mask]]:
    """Each object as a soft mask of its surroundings, their first row and column, and its pixels in them."""
    wide = expand_labels(labels, distance=_MARGIN)
    for number, place in enumerate(ndimage.find_objects(wide), start=1):
        if place is not None:
            # One pixel more, so that the mask ends between an object and the next as it does elsewhere.
            around = tuple(slice(max(0, side.start - 1), side.stop + 1) for side in place)
            inside = labels[around] == number
            soft = np.where(wide[around] == number, margin[around], 0).astype(np.float32)
            yield soft, (around[0].start, around[1].start), inside


def _enlarged(
    membership: Map,
    corner: tuple[int, int],
    small_hw: tuple[int, int],
    size_hw: tuple[int, int],
    name: str,
    score: float,
) -> Region | None:
    """Bring a soft mask to the picture's size and take what is above 0.5; None if nothing is."""
    scale_y, scale_x = size_hw[0] / small_hw[0], size_hw[1] / small_hw[1]
    top, left = (
        int(np.floor(start * scale)) for start, scale in zip(corner, (scale_y, scale_x), strict=True)
    )
    bottom = min(size_hw[0], int(np.ceil((corner[0] + membership.shape[0]) * scale_y)))
    right = min(size_hw[1], int(np.ceil((corner[1] + membership.shape[1]) * scale_x)))
    to_small = np.array(
        [
            [1 / scale_x, 0, (left + 0.5) / scale_x - 0.5 - corner[1]],
            [0, 1 / scale_y, (top + 0.5) / scale_y - 0.5 - corner[0]],
        ]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    soft = cv2.warpAffine(
        membership, to_small, (right - left, bottom - top), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    tight = Region.from_mask(np.asarray(soft > 0.5), name, score)
    if tight is None:
        return None
    return Region(tight.mask, tight.top + top, tight.left + left, name, score)
