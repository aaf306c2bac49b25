"""Outlines of drawn objects as rings of pixels, for the rules that look at them."""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.regions import Region

Points: TypeAlias = NDArray[np.float64]
"""(n, 2) of row and column in pixels of the picture, a closed ring."""


def outline(region: Region) -> Points:
    """The border pixels of an object's largest part, in order.

    Args:
        region: The object.

    Returns:
        At least one point.
    """
    padded = np.pad(region.mask, 1).astype(np.uint8)
    rings, _ = cv2.findContours(padded, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    ring = max(rings, key=len)[:, 0, ::-1]
    return np.asarray(ring + np.array([region.top - 1.0, region.left - 1.0]))


def smoothed(ring: Points, sigma: float) -> Points:
    """The ring with its corners rounded.

    Args:
        ring: See `outline`.
        sigma: Standard deviation of the Gaussian along the ring, in points.
    """
    return np.asarray(ndimage.gaussian_filter1d(ring, sigma, axis=0, mode="wrap"))


def length(ring: Points) -> float:
    """Its length in pixels."""
    return float(np.hypot(*(np.roll(ring, -1, axis=0) - ring).T).sum())


def on_border(ring: Points, size_hw: tuple[int, int]) -> NDArray[np.bool_]:
    """Which points lie on the border of the picture, (n,).

    Args:
        ring: See `outline`.
        size_hw: Height and width of the picture.
    """
    last = np.array(size_hw) - 1
    return np.asarray(((ring <= 0) | (ring >= last)).any(axis=1))
