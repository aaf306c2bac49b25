"""Smooths jagged outlines and keeps the area."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from models.arrays import Image, Mask
from models.masks import distance_inside
from models.options import check_between
from models.postprocess.base import OutlinePostProcessor, Window
from models.prompts import Click
from models.regions import Region

_RELUCTANCE = 0.25
"""How much the blurred mask must speak for a change of a pixel, in units of the mask. With 0.25 true
masks of nuclei, clothes and everyday things lost 0.0003 of Dice on average, with 0.06 they lost 0.005."""


class SmoothOutline(OutlinePostProcessor):
    """Blurs the mask and takes as many of the highest pixels as the object had, until nothing changes.

    A pixel changes sides only if the blurred mask says so clearly. As each step raises the sum of products of
    the mask with its blurred self, the steps come to an end, and what has been smoothed once stays as it is.
    Outlines turn as sharply as circles of about `radius` pixels do.

    Args:
        radius: Standard deviation of the blur in pixels, in [0.5, 20]. Objects in which no disc of this
            radius fits are left alone: they would become discs.

    Source: Merriman, Bence, Osher, "Diffusion generated motion by mean curvature", 1992; the area is kept as
    in Ruuth and Wetton, "A simple scheme for volume-preserving motion by mean curvature", J. Sci. Comput. 19,
    2003. The reluctance is ours.
    """

    name = "smooth-outline"

    def __init__(self, *, radius: float = 1.5) -> None:
        check_between("radius", radius, 0.5, 20)
        self._radius = radius
        self._side = 2 * round(4 * radius) + 1

    def margin(self, region: Region) -> int:
        """As far as the blur reaches, and outlines move; see the base class."""
        return self._side

    def process(self, regions: Sequence[Region], image: Image, clicks: Sequence[Click] = ()) -> list[Region]:
        """Smooth all objects again as long as neighbours make room for each other; see the base class."""
        while True:
            after = super().process(regions, image, clicks)
            if len(after) < 2 or all(map(Region.same_pixels, regions, after)):
                return after
            regions = after

    def moved(self, window: Window) -> Mask:
        """Smooth one outline; see the base class."""
        mask = window.mask
        if distance_inside(mask).max() <= self._radius:
            return mask
        while True:
            after = self._step(mask, window)
            if np.array_equal(after, mask):
                return mask
            mask = after

    def _step(self, mask: Mask, window: Window) -> Mask:
        blurred = cv2.GaussianBlur(
            mask.astype(np.float32),
            (self._side, self._side),
            self._radius,
            borderType=cv2.BORDER_REFLECT,  # an object that the picture cuts off goes on beyond its edge
        )
        height = blurred + _RELUCTANCE * mask
        height[~window.allowed] = -1
        height[window.required] = 2
        return _highest(height, np.count_nonzero(mask))


def _highest(height: NDArray[np.float32], count: int) -> Mask:
    """Mark so many of the highest pixels, (h, w); of equals the first ones in reading order.

    Only pixels of the object can be higher than 1, so all of these are among them.
    """
    inside = height > 1
    places = np.flatnonzero((height > 0) & ~inside)
    heights = height.ravel()[places]
    left = count - np.count_nonzero(inside)
    if left:
        least = np.partition(heights, heights.size - left)[heights.size - left]
        higher = heights > least
        equals = np.flatnonzero(heights == least)
        higher[equals[: left - np.count_nonzero(higher)]] = True
        inside.ravel()[places[higher]] = True
    return np.asarray(inside)
