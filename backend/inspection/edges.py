"""How well an outline lies on the edges of the picture, where it is and beside that."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.inspection.base import DrawnObject, Subject
from backend.inspection.outlines import Points, on_border, outline, smoothed
from backend.inspection.windows import window

_POINTS = 64
"""Points of the outline that are looked at."""
_FEWEST = 24
"""With fewer inside the picture an outline says nothing: a pixel more or less is too large a share of it."""
_REACH = 0.25, 3, 10
"""How far beside the outline to look: share of the square root of the area, fewest and most pixels."""


@dataclass(frozen=True, eq=False)
class Edges:
    """The outline of an object and the picture's gradients around it, in a window of the picture.

    Attributes:
        points: Points of the outline, (n, 2) of row and column.
        normals: Directions outwards there, (n, 2) of length 1.
        gradients: By row, for red, green and blue, then by column, (h, w, 6).
        size: Square root of the object's area, in pixels of the window.
        reach: How far to look, in pixels of the window.
    """

    points: Points
    normals: Points
    gradients: NDArray[np.float32]
    size: float
    reach: int

    def strengths(self, shifts: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean gradient across the outline if it lay elsewhere.

        Args:
            shifts: By how many rows and columns to move the points, (k, n, 2) or (k, 1, 2).

        Returns:
            (k,), grey levels per pixel.
        """
        places = np.rint(self.points + shifts).astype(np.intp)
        height, width = self.gradients.shape[:2]
        flat = places[..., 0].clip(0, height - 1) * width + places[..., 1].clip(0, width - 1)
        found = self.gradients.reshape(-1, 6).take(flat, axis=0)
        normals = self.normals.astype(np.float32)
        across = found[..., :3] * normals[:, :1] + found[..., 3:] * normals[:, 1:]
        return np.asarray(np.sqrt(np.einsum("knc,knc->kn", across, across)).mean(axis=1), dtype=np.float64)


def edges(drawn: DrawnObject, subject: Subject) -> Edges | None:
    """Look at an object's outline; None if there is too little of it.

    Args:
        drawn: The object.
        subject: The picture.
    """
    seen = window(drawn, subject)
    if seen is None or drawn.is_box:
        return None
    ring = outline(seen.region)
    if len(ring) < _FEWEST:
        return None
    smooth = smoothed(ring, max(1.0, len(ring) / 80))
    along = np.roll(smooth, -2, axis=0) - np.roll(smooth, 2, axis=0)
    normals = np.stack([along[:, 1], -along[:, 0]], axis=1)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    chosen = np.linspace(0, len(ring), min(_POINTS, len(ring)), endpoint=False).astype(int)
    chosen = chosen[~on_border(ring[chosen], (seen.image.shape[0], seen.image.shape[1]))]
    if len(chosen) < _FEWEST:
        return None
    share, least, most = _REACH
    size = seen.region.area**0.5
    return Edges(
        ring[chosen],
        normals[chosen],
        _gradients(seen.image),
        size,
        int(np.clip(round(share * size), least, most)),
    )


def _gradients(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    soft = cv2.GaussianBlur(image, (0, 0), 1.0)
    by_row, by_column = (cv2.Sobel(soft, cv2.CV_32F, *order, scale=1 / 8) for order in ((0, 1), (1, 0)))
    return np.concatenate([by_row, by_column], axis=2)
