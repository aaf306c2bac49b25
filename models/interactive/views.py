"""Parts of a picture at working resolution, and the way between the two."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.arrays import Image, Mask


@dataclass(frozen=True)
class View:
    """A rectangle of a picture, seen as a grid of at most a given size.

    Attributes:
        top: First row in the picture.
        left: First column in the picture.
        bottom: Row after the last one.
        right: Column after the last one.
        grid_hw: Height and width of the grid.
    """

    top: int
    left: int
    bottom: int
    right: int
    grid_hw: tuple[int, int]

    @classmethod
    def of(
        cls, top: int, left: int, bottom: int, right: int, max_side: int, *, enlarge: bool = False
    ) -> View:
        """Look at a rectangle of at least one pixel through a grid whose sides do not exceed `max_side`.

        With `enlarge` the longer side of the grid is always `max_side`, otherwise it is never finer than
        the picture.
        """
        height, width = bottom - top, right - left
        scale = max_side / max(height, width)
        if not enlarge:
            scale = min(1.0, scale)
        return cls(top, left, bottom, right, (max(1, round(height * scale)), max(1, round(width * scale))))

    @property
    def area(self) -> int:
        """Number of pixels of the picture that it shows."""
        return (self.bottom - self.top) * (self.right - self.left)

    def grid_pixel(self, row: int, column: int) -> tuple[int, int] | None:
        """Return the (row, column) in the grid of a pixel of the picture, None when it lies outside."""
        if not (self.top <= row < self.bottom and self.left <= column < self.right):
            return None
        height, width = self.grid_hw
        return (
            (2 * (row - self.top) + 1) * height // (2 * (self.bottom - self.top)),
            (2 * (column - self.left) + 1) * width // (2 * (self.right - self.left)),
        )

    def grid_box(self, rows: range, columns: range) -> Mask:
        """Mark the pixels of the grid that show a rectangle of the picture, (h, w)."""
        marked = np.zeros(self.grid_hw, dtype=bool)
        first, last = self.grid_pixel(rows[0], columns[0]), self.grid_pixel(rows[-1], columns[-1])
        if first is not None and last is not None:
            marked[first[0] : last[0] + 1, first[1] : last[1] + 1] = True
        return marked

    def look(self, pyramid: tuple[Image, ...]) -> Image:
        """Return the picture in the grid, (h, w, 3).

        Args:
            pyramid: The picture, then each level half as large as the one before; see `pyramid_of`.
        """
        shrinkage = (self.bottom - self.top) / self.grid_hw[0], (self.right - self.left) / self.grid_hw[1]
        level = min(len(pyramid) - 1, max(0, int(np.log2(min(shrinkage)))))
        source = pyramid[level]
        size_hw = pyramid[0].shape
        rows = _part(self.top, self.bottom, source.shape[0] / size_hw[0], source.shape[0])
        columns = _part(self.left, self.right, source.shape[1] / size_hw[1], source.shape[1])
        height, width = self.grid_hw
        part = source[rows, columns]
        shrinks = part.shape[0] >= height and part.shape[1] >= width
        interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        seen = cv2.resize(part, (width, height), interpolation=interpolation)
        return np.asarray(seen, dtype=np.uint8)

    def move(self, values: NDArray[np.float32], target: View, beyond: float) -> NDArray[np.float32]:
        """Resample values on this grid to the grid of another view of the same picture, linearly.

        Args:
            values: (h, w) on this grid.
            target: The other view.
            beyond: Value where the other view leaves this one.

        Returns:
            (h', w') on the other grid.
        """
        scale_rows, shift_rows = _axis(
            (self.top, self.bottom, self.grid_hw[0]), (target.top, target.bottom, target.grid_hw[0])
        )
        scale_columns, shift_columns = _axis(
            (self.left, self.right, self.grid_hw[1]), (target.left, target.right, target.grid_hw[1])
        )
        matrix = np.array([[scale_columns, 0, shift_columns], [0, scale_rows, shift_rows]])
        moved = cv2.warpAffine(
            values,
            matrix,
            (target.grid_hw[1], target.grid_hw[0]),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=beyond,
        )
        return np.asarray(moved, dtype=np.float32)

    def look_at_mask(self, mask: Mask) -> Mask:
        """Return a mask of the picture, (H, W), in the grid, (h, w)."""
        part = mask[self.top : self.bottom, self.left : self.right].astype(np.float32)
        return np.asarray(self._resized(part, self.grid_hw) > 0.5)

    def paste(self, values: NDArray[np.float32], onto: Mask) -> Mask:
        """Return another mask with the part that this view shows replaced.

        Args:
            values: (h, w) on the grid, positive inside the object.
            onto: (H, W) of the picture; not modified.
        """
        full = onto.copy()
        size_hw = self.bottom - self.top, self.right - self.left
        full[self.top : self.bottom, self.left : self.right] = self._resized(values, size_hw) > 0
        return full

    def overlap(self, other: View) -> float:
        """Area that two views of one picture share, in units of what they show together, in [0, 1]."""
        rows = min(self.bottom, other.bottom) - max(self.top, other.top)
        columns = min(self.right, other.right) - max(self.left, other.left)
        shared = max(0, rows) * max(0, columns)
        return shared / (self.area + other.area - shared)

    @staticmethod
    def _resized(values: NDArray[np.float32], size_hw: tuple[int, int]) -> NDArray[np.float32]:
        shrinks = values.shape[0] > size_hw[0] or values.shape[1] > size_hw[1]
        interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(values, size_hw[::-1], interpolation=interpolation), dtype=np.float32)


def pyramid_of(image: Image, smallest_side: int) -> tuple[Image, ...]:
    """Copy a picture and halve it until its longer side would fall below `smallest_side`."""
    levels = [np.array(image, dtype=np.uint8, order="C")]
    while max(levels[-1].shape[:2]) >= 2 * smallest_side and min(levels[-1].shape[:2]) >= 2:
        height, width = levels[-1].shape[:2]
        half = cv2.resize(levels[-1], ((width + 1) // 2, (height + 1) // 2), interpolation=cv2.INTER_AREA)
        levels.append(np.asarray(half, dtype=np.uint8))
    return tuple(levels)


def _part(first: int, last: int, scale: float, size: int) -> slice:
    start = min(round(first * scale), size - 1)
    return slice(start, min(max(round(last * scale), start + 1), size))


def _axis(source: tuple[int, int, int], target: tuple[int, int, int]) -> tuple[float, float]:
    """Return scale and shift from pixel centres on the target's grid to those on the source's."""
    source_step = (source[1] - source[0]) / source[2]
    target_step = (target[1] - target[0]) / target[2]
    scale = target_step / source_step
    return scale, (0.5 * target_step + target[0] - source[0]) / source_step - 0.5
