"""Replaces each object by its convex hull: for things that are known to be convex."""

import cv2
import numpy as np

from models.arrays import Mask
from models.postprocess.base import OutlinePostProcessor, Window


class ConvexHull(OutlinePostProcessor):
    """Adds all pixels between pixels of the object; several pieces become one.

    What other regions and negative clicks hold is left out.
    """

    name = "convex-hull"

    def moved(self, window: Window) -> Mask:
        """The hull of one object; see the base class."""
        corners_xy = cv2.convexHull(cv2.findNonZero(window.mask.astype(np.uint8)), clockwise=True)[:, 0]
        rows, columns = np.ogrid[: window.mask.shape[0], : window.mask.shape[1]]
        inside = np.ones_like(window.mask)
        for (x, y), (next_x, next_y) in zip(corners_xy, np.roll(corners_xy, -1, axis=0), strict=True):
            inside &= (next_x - x) * (rows - y) <= (next_y - y) * (columns - x)
        return inside
