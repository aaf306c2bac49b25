"""One found or drawn object: a cropped mask and its place, so that hundreds fit in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.arrays import Mask


@dataclass(frozen=True, eq=False)
class Region:
    """An object in a picture.

    Attributes:
        mask: The object inside its crop, (h, w); at least one pixel is true.
        top: Row of the crop's first pixel in the picture.
        left: Column of the crop's first pixel in the picture.
        class_name: What the model or the annotator calls the object; "" when nobody said.
        score: Confidence in [0, 1], higher is better.
    """

    mask: Mask
    top: int
    left: int
    class_name: str = ""
    score: float = 1.0

    @classmethod
    def from_mask(cls, mask: Mask, class_name: str = "", score: float = 1.0) -> Region | None:
        """Crop a picture-sized mask to its object; an empty mask gives None.

        Args:
            mask: The object, (H, W).
            class_name: See the class.
            score: See the class.
        """
        rows = np.flatnonzero(mask.any(axis=1))
        if rows.size == 0:
            return None
        columns = np.flatnonzero(mask.any(axis=0))
        top, left = int(rows[0]), int(columns[0])
        crop = mask[top : rows[-1] + 1, left : columns[-1] + 1].copy()
        return cls(crop, top, left, class_name, score)

    @property
    def area(self) -> int:
        """Number of pixels of the object."""
        return int(np.count_nonzero(self.mask))

    @property
    def box(self) -> tuple[int, int, int, int]:
        """The crop as (top, left, bottom, right), the last two exclusive."""
        height, width = self.mask.shape
        return self.top, self.left, self.top + height, self.left + width

    def full_mask(self, size_hw: tuple[int, int]) -> Mask:
        """Paste the object into an empty picture-sized mask, (H, W); what sticks out is cut off."""
        full = np.zeros(size_hw, dtype=bool)
        self.paint(full, True)
        return full

    def paint(self, canvas: NDArray[Any], value: float) -> None:
        """Give the object's pixels in a picture-sized array, (H, W), a value; what sticks out is cut off."""
        top, left, bottom, right = self.box
        rows = slice(*np.clip([top, bottom], 0, canvas.shape[0]).tolist())
        columns = slice(*np.clip([left, right], 0, canvas.shape[1]).tolist())
        inside = self.mask[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
        canvas[rows, columns][inside] = value

    def iou(self, other: Region) -> float:
        """Intersection over union of the two objects' pixels, in [0, 1]."""
        edges = zip((max, max, min, min), self.box, other.box, strict=True)
        top, left, bottom, right = (pick(own, theirs) for pick, own, theirs in edges)
        if bottom <= top or right <= left:
            return 0.0
        one, two = (
            each.mask[top - each.top : bottom - each.top, left - each.left : right - each.left]
            for each in (self, other)
        )
        both = int(np.count_nonzero(one & two))
        return both / (self.area + other.area - both)

    def same_pixels(self, other: Region) -> bool:
        """Whether the other object is exactly the same pixels, cropped alike."""
        return self.box == other.box and np.array_equal(self.mask, other.mask)

    def with_mask(self, mask: Mask) -> Region | None:
        """The same object with another mask in the same crop, (h, w); None when that is empty."""
        tight = Region.from_mask(mask)
        if tight is None:
            return None
        return replace(self, mask=tight.mask, top=self.top + tight.top, left=self.left + tight.left)


def overlaps(regions: Sequence[Region], others: Sequence[Region]) -> NDArray[np.float64]:
    """Intersection over union of each region with each other one, (N, M), in [0, 1].

    Only pairs with overlapping crops take time.
    """
    found = np.zeros((len(regions), len(others)))
    if found.size:
        tops, lefts, bottoms, rights = np.array([region.box for region in regions]).T[:, :, None]
        other_tops, other_lefts, other_bottoms, other_rights = np.array([each.box for each in others]).T
        rows = (tops < other_bottoms) & (other_tops < bottoms)
        for first, second in np.argwhere(rows & (lefts < other_rights) & (other_lefts < rights)):
            found[first, second] = regions[first].iou(others[second])
    return found
