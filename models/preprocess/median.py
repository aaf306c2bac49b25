"""Takes away single pixels that are too dark or too bright, and keeps edges."""

from typing import Literal

import cv2
import numpy as np

from models.preprocess.base import UnitPixels, UnitProcessor


class Median(UnitProcessor):
    """Gives each pixel the median of its neighbourhood, channel by channel.

    Args:
        size: Side of the square neighbourhood, in pixels. OpenCV has no larger ones for 16 bit.
    """

    name = "median"

    def __init__(self, *, size: Literal[3, 5] = 3) -> None:
        self._size = size

    def enhance(self, image: UnitPixels) -> UnitPixels:
        """Filter the picture; see the base class."""
        return np.asarray(cv2.medianBlur(image, self._size), dtype=np.float32)
