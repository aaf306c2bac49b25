"""Takes away noise by averaging neighbours of similar brightness, and keeps edges."""

import cv2
import numpy as np

from models.options import check_between
from models.preprocess.base import UnitPixels, UnitProcessor


class Bilateral(UnitProcessor):
    """Averages pixels with neighbours that are near in place and in value.

    Args:
        radius: How far neighbours may lie, in pixels, 1 to 20; their weight falls to 0.6 at half of it.
        difference: Differences of value that are averaged away, as a share of the range, in (0, 1].

    Source: Tomasi and Manduchi, "Bilateral filtering for gray and color images", ICCV 1998.
    """

    name = "bilateral"

    def __init__(self, *, radius: int = 4, difference: float = 0.1) -> None:
        check_between("radius", radius, 1, 20)
        check_between("difference", difference, 1e-4, 1)
        self._radius = radius
        self._difference = difference

    def enhance(self, image: UnitPixels) -> UnitPixels:
        """Filter the picture; see the base class."""
        size, reach = 2 * self._radius + 1, self._radius / 2
        return np.asarray(cv2.bilateralFilter(image, size, self._difference, reach), dtype=np.float32)
