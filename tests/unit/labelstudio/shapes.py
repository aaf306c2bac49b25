"""Masks that are hard to draw as outlines, and their comparison."""

import cv2
import numpy as np

from models.arrays import Mask
from models.regions import Region


def iou(one: Mask, other: Mask) -> float:
    return np.count_nonzero(one & other) / np.count_nonzero(one | other)


def size_of(mask: Mask) -> tuple[int, int]:
    height, width = mask.shape
    return height, width


def region_of(mask: Mask) -> Region:
    region = Region.from_mask(mask)
    assert region is not None
    return region


def disc(size: int, radius: float, row: float | None = None, column: float | None = None) -> Mask:
    rows, columns = np.ogrid[:size, :size]
    centre_row = size / 2 if row is None else row
    centre_column = size / 2 if column is None else column
    return np.asarray((rows + 0.5 - centre_row) ** 2 + (columns + 0.5 - centre_column) ** 2 <= radius**2)


def block(size_hw: tuple[int, int], rows: slice, columns: slice) -> Mask:
    mask = np.zeros(size_hw, dtype=bool)
    mask[rows, columns] = True
    return mask


def blob(seed: int, size: int = 200, smoothness: float = 8) -> Mask:
    noise = np.random.default_rng(seed).random((size, size))
    smooth = np.asarray(cv2.GaussianBlur(noise, (0, 0), smoothness), dtype=np.float64)
    return np.asarray(smooth > np.quantile(smooth, 0.7))


def line(size: int, start_xy: tuple[int, int], end_xy: tuple[int, int], thickness: int = 1) -> Mask:
    picture = np.zeros((size, size), dtype=np.uint8)
    return np.asarray(cv2.line(picture, start_xy, end_xy, 1, thickness) > 0)


def hard_masks() -> dict[str, Mask]:
    """Picture-sized masks by a name that says what is hard about them."""
    return {
        "one pixel": block((9, 7), slice(4, 5), slice(3, 4)),
        "one pixel in the corner": block((9, 7), slice(8, 9), slice(6, 7)),
        "two pixels": block((9, 7), slice(4, 5), slice(3, 5)),
        "three by three": block((9, 7), slice(4, 7), slice(3, 6)),
        "whole picture": np.ones((13, 29), dtype=bool),
        "single pixel picture": np.ones((1, 1), dtype=bool),
        "touching all borders": disc(31, 15.5),
        "diagonal of pixels touching at corners": np.eye(20, dtype=bool),
        "other diagonal": np.eye(20, dtype=bool)[::-1].copy(),
        "thin slanted line": line(120, (3, 5), (110, 41)),
        "thick slanted line": line(120, (10, 15), (110, 51), 5),
        "pixels crossing at a corner": np.kron(np.eye(2), np.ones((4, 4))).astype(bool),
        "small disc": disc(12, 4),
        "disc": disc(100, 37.2),
        "disc with a hole": disc(100, 40) & ~disc(100, 15, 45, 55),
        "disc with a hole of one pixel": disc(40, 15) & ~block((40, 40), slice(20, 21), slice(18, 19)),
        "disc with three holes": disc(100, 45)
        & ~(disc(100, 10, 30, 30) | disc(100, 10, 30, 65) | disc(100, 12, 70, 50)),
        "object inside a hole": (disc(100, 45) & ~disc(100, 30)) | disc(100, 12),
        "hole inside an object inside a hole": (disc(120, 55) & ~disc(120, 40))
        | (disc(120, 25) & ~disc(120, 8)),
        "hole touching the outside at a corner": np.pad(~np.eye(3, dtype=bool), 2, constant_values=True),
        "separate parts": disc(100, 12, 20, 20) | disc(100, 20, 60, 70) | disc(100, 5, 90, 10),
        "blobs": blob(0),
        "fine blobs": blob(1, size=90, smoothness=2.5),
    }
