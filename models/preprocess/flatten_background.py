"""Takes away light that falls off towards the edges, and backgrounds that glow unevenly."""

from typing import Literal

import cv2
import numpy as np

from models.options import check_between
from models.preprocess.base import UnitPixels, UnitProcessor, brightness

_WORKING_SIDE = 256
"""The background is smooth: so many pixels on the longer side are enough, whatever the picture's size."""
_LARGEST_GAIN = 10.0
"""A black corner holds noise, which nobody wants to see a hundred times brighter."""


class FlattenBackground(UnitProcessor):
    """Estimates the background as a strongly blurred picture, and makes it even.

    Args:
        size: Reach of the blur, as a share of the longer side, in [0.01, 1]: clearly more than objects have.
        method: "divide" for uneven light, which changes all things by a factor; "subtract" for a glow that
            adds to them.
    """

    name = "flatten-background"

    def __init__(self, *, size: float = 0.15, method: Literal["divide", "subtract"] = "divide") -> None:
        check_between("size", size, 0.01, 1)
        self._size = size
        self._method = method

    def enhance(self, image: UnitPixels) -> UnitPixels:
        """Make the background even; see the base class."""
        background = self._background(brightness(image))
        mean = background.mean(dtype=np.float64)
        if image.ndim == 3:
            background = background[:, :, np.newaxis]
        if self._method == "subtract":
            return np.asarray(image - background + np.float32(mean))
        least = max(mean / _LARGEST_GAIN, np.finfo(np.float32).tiny)
        return np.asarray(image * (np.float32(mean) / np.maximum(background, np.float32(least))))

    def _background(self, grey: UnitPixels) -> UnitPixels:
        height, width = grey.shape
        scale = min(1.0, _WORKING_SIDE / max(height, width))
        small_wh = max(1, round(width * scale)), max(1, round(height * scale))
        small = cv2.resize(grey, small_wh, interpolation=cv2.INTER_AREA)
        blurred = cv2.GaussianBlur(small, (0, 0), self._size * max(small_wh), borderType=cv2.BORDER_REPLICATE)
        return np.asarray(cv2.resize(blurred, (width, height), interpolation=cv2.INTER_LINEAR))
