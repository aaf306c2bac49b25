"""Joins what lies close together: pieces of one object, and regions of one class."""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from models.arrays import Image, Mask
from models.masks import components
from models.options import check_between
from models.postprocess.base import PostProcessor, covered_by
from models.prompts import Click
from models.regions import Region

_NEIGHBOURS = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1) if down or right]


class MergeClose(PostProcessor):
    """Makes one region of all regions of a class that lie close together, and fills the gaps between pieces.

    For classes whose objects are never counted, such as vessels or lawn: cells that touch become one.
    A joined region has the score of its largest part. Gaps are left open where other regions or negative
    clicks are.

    Args:
        gap: Pixels that may lie between two pieces, from 0 (they touch) to 100; an odd number counts as the
            next one.
    """

    name = "merge-close"

    def __init__(self, *, gap: int = 3) -> None:
        check_between("gap", gap, 0, 100)
        self._radius = -(-gap // 2)

    def process(self, regions: Sequence[Region], image: Image, clicks: Sequence[Click] = ()) -> list[Region]:
        """Join the regions of each class; see the base class."""
        size_hw = (image.shape[0], image.shape[1])
        closed = covered_by(regions, size_hw) > 0
        for click in clicks:
            if not click.positive:
                closed[click.pixel] = True
        merged = []
        for name in dict.fromkeys(region.class_name for region in regions):
            for group in self._groups([each for each in regions if each.class_name == name], size_hw):
                joined = self._joined(group, closed)
                closed |= joined.full_mask(size_hw)
                merged.append(joined)
        return merged

    def _groups(self, regions: Sequence[Region], size_hw: tuple[int, int]) -> list[list[Region]]:
        """Regions that are connected through gaps, in the order of the first of each group."""
        covered = covered_by(regions, size_hw) > 0
        clusters, _ = components(_grown(covered, self._radius))
        pairs = [
            (index, cluster)
            for index, region in enumerate(regions)
            for cluster in np.unique(_inside(clusters, region))
        ]
        rows, columns = np.array(pairs).T
        size = len(regions) + int(clusters.max()) + 1
        links = coo_array((np.ones(len(pairs)), (rows, columns + len(regions))), shape=(size, size))
        _, groups = connected_components(links, directed=False)
        found: dict[int, list[Region]] = {}
        for region, number in zip(regions, groups.tolist(), strict=False):  # clusters come after the regions
            found.setdefault(number, []).append(region)
        return list(found.values())

    def _joined(self, group: Sequence[Region], closed: Mask) -> Region:
        """One region of several, with the gaps between its pieces that are not closed."""
        largest = max(group, key=lambda region: region.area)
        boxes = np.array([region.box for region in group])
        margin = self._radius + 1
        top, left = np.maximum(boxes[:, :2].min(axis=0) - margin, 0).tolist()
        bottom, right = np.minimum(boxes[:, 2:].max(axis=0) + margin, closed.shape).tolist()
        mask = covered_by(
            [replace(each, top=each.top - top, left=each.left - left) for each in group],
            (bottom - top, right - left),
        )
        filled = self._bridged(mask > 0, closed[top:bottom, left:right])
        return replace(largest, top=top, left=left).with_mask(filled) or largest

    def _bridged(self, mask: Mask, closed: Mask) -> Mask:
        """Add what a closing fills between two pieces, but not what it fills at one piece alone."""
        pieces, _ = components(mask)
        gaps = self._closing(mask) & ~closed & ~mask
        numbers, _ = components(gaps)
        pairs = np.concatenate([_touching(numbers, pieces, *shift) for shift in _NEIGHBOURS])
        n_touched = np.bincount(np.unique(pairs, axis=0)[:, 0], minlength=int(numbers.max()) + 1)
        return np.asarray(mask | (n_touched > 1)[numbers])

    def _closing(self, mask: Mask) -> Mask:
        """Close a mask with a disc that may reach beyond the array."""
        grown = _grown(np.pad(mask, self._radius), self._radius)
        closing = ~_grown(~np.pad(grown, 1), self._radius)
        height, width = mask.shape
        return closing[1 + self._radius :, 1 + self._radius :][:height, :width]


def _grown(mask: Mask, radius: int) -> Mask:
    """The mask with all pixels at most so far from it, (H, W)."""
    outside = (~mask).astype(np.uint8)
    return np.asarray(cv2.distanceTransform(outside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE) <= radius)


def _touching(
    numbers: NDArray[np.int32], pieces: NDArray[np.int32], down: int, right: int
) -> NDArray[np.int32]:
    """The gap and the piece of each pair of pixels that lie so far apart, (N, 2)."""
    height, width = numbers.shape
    here = numbers[max(0, -down) : height - max(0, down), max(0, -right) : width - max(0, right)]
    there = pieces[max(0, down) : height - max(0, -down), max(0, right) : width - max(0, -right)]
    both = (here > 0) & (there > 0)
    return np.stack([here[both], there[both]], axis=1)


def _inside(clusters: NDArray[np.int32], region: Region) -> NDArray[np.int32]:
    top, left, bottom, right = region.box
    return clusters[top:bottom, left:right][region.mask]
