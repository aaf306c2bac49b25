"""Frames of a sequence: a textured disc that moves over a textured ground."""

import cv2
import numpy as np
from numpy.typing import NDArray

from models.arrays import Image, Mask

SIZE_HW = (120, 160)
_RADIUS = 22
_STEP = (1, 2)


def disc_mask(number: int) -> Mask:
    """The disc in a frame, (120, 160); frames 0 to 53 show all of it."""
    row, column = _centre(number)
    rows, columns = np.ogrid[: SIZE_HW[0], : SIZE_HW[1]]
    return np.asarray((rows - row) ** 2 + (columns - column) ** 2 <= _RADIUS**2)


def disc_frame(number: int) -> Image:
    """The picture of a frame, (120, 160, 3)."""
    row, column = _centre(number)
    painted = np.roll(_texture(1), (row, column), axis=(0, 1)) + 90
    grey = np.where(disc_mask(number), painted, _texture(0)) + 80
    return np.repeat(grey.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)


def _centre(number: int) -> tuple[int, int]:
    return 30 + _STEP[0] * number, 30 + _STEP[1] * number


def _texture(seed: int) -> NDArray[np.float32]:
    noise = np.random.default_rng(seed).normal(0, 1, SIZE_HW).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 2)
    return np.asarray(smooth / smooth.std() * 25, dtype=np.float32)
