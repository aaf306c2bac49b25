"""The size that a pre-labeller works at."""

from __future__ import annotations

import cv2
import numpy as np

from models.arrays import Image


def working_size(size_hw: tuple[int, int], side: int) -> tuple[int, int]:
    """Height and width of a picture whose longer side becomes `side`."""
    scale = side / max(size_hw)
    return max(1, round(size_hw[0] * scale)), max(1, round(size_hw[1] * scale))


def resized(image: Image, size_hw: tuple[int, int]) -> Image:
    """The picture at another size, (h, w, 3)."""
    shrinks = max(size_hw) < max(image.shape[:2])
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, size_hw[::-1], interpolation=method), dtype=np.uint8)
