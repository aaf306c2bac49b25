"""Objects as seen from their centre: how far they reach in each direction."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.arrays import Mask

STEP = 0.5
"""Between samples along a ray, in pixels."""
_FEWEST, _MOST = 32, 720
"""Rays."""

Floats = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Rays:
    """Directions from a centre, about one per pixel of the outline.

    Attributes:
        centre: Row and column in the array, in pixels.
        angles: (N,), ascending, in radians.
        radii: How far the object reaches along each of them without a gap, (N,), in pixels.
    """

    centre: tuple[float, float]
    angles: Floats
    radii: Floats

    @classmethod
    def of(cls, mask: Mask) -> Rays:
        """Look at a mask, (h, w), from the mean of its pixels; the radii are 0 when that lies outside."""
        rows, columns = np.nonzero(mask)
        centre = float(rows.mean()), float(columns.mean())
        reach = float(np.hypot(rows - centre[0], columns - centre[1]).max()) + 1
        n_rays = int(np.clip(2 * np.sqrt(np.pi * len(rows)), _FEWEST, _MOST))
        angles = np.arange(n_rays) * (2 * np.pi / n_rays)
        distances = np.arange(0, reach + STEP, STEP)
        seen = cls(centre, angles, np.zeros(n_rays)).sample(mask.astype(np.float32), distances[None]) > 0.5
        n_inside = np.where(seen.all(axis=1), len(distances), np.argmin(seen, axis=1))
        return cls(centre, angles, np.maximum(n_inside - 0.5, 0) * STEP)

    def sample(self, picture: NDArray[np.float32], distances: Floats) -> NDArray[np.float32]:
        """Values of a picture along the rays.

        Args:
            picture: (h, w).
            distances: From the centre, (N, K) or (1, K), in pixels.

        Returns:
            (N, K), interpolated; outside the picture the value of its nearest pixel.
        """
        rows = self.centre[0] + np.sin(self.angles)[:, None] * distances
        columns = self.centre[1] + np.cos(self.angles)[:, None] * distances
        return np.asarray(
            cv2.remap(
                picture,
                columns.astype(np.float32),
                rows.astype(np.float32),
                cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REPLICATE,
            )
        )

    def inside(self, radii: Floats, size_hw: tuple[int, ...]) -> Mask:
        """The pixels that lie within so many pixels, (N,), of the centre, (h, w)."""
        rows = np.arange(size_hw[0])[:, None] - self.centre[0]
        columns = np.arange(size_hw[1]) - self.centre[1]
        directions = np.arctan2(rows, columns)
        return np.asarray(
            np.hypot(rows, columns) <= np.interp(directions, self.angles, radii, period=2 * np.pi)
        )
