"""Boolean mask arithmetic: components, holes, distances.

Neighbours inside an object touch at an edge or a corner; neighbours outside touch at an edge only,
so that a diagonal line of pixels is one object and no hole leaks through it.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from models.arrays import Mask


def components(mask: Mask) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Number the connected pieces of a mask.

    Args:
        mask: (H, W), at least one pixel.

    Returns:
        The number of each pixel's component, (H, W), 0 = outside; and the areas in pixels, (n + 1,),
        indexed by that number (entry 0 counts the pixels outside).
    """
    labels = _label(mask, connectivity=8)
    return labels, np.bincount(labels.ravel())


def holes(mask: Mask) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Number the connected pieces of the background that the object encloses.

    Args:
        mask: (H, W), at least one pixel. Background that reaches the border of the array is no hole.

    Returns:
        The number of each pixel's hole, (H, W), 0 = no hole; and the areas in pixels, (n + 1,), indexed
        by that number (entry 0 counts the pixels in no hole).
    """
    enclosed = _enclosed(mask)
    return enclosed, np.bincount(enclosed.ravel())


def fill_holes(mask: Mask) -> Mask:
    """Return the mask with everything it encloses, (H, W)."""
    return mask | (_enclosed(mask) > 0)


def distance_inside(mask: Mask) -> NDArray[np.float32]:
    """Distance of each inside pixel to the nearest pixel outside, in pixels.

    Args:
        mask: (H, W), at least one pixel. What lies beyond the border of the array counts as outside.

    Returns:
        (H, W), 0 outside the mask and at least 1 inside.
    """
    padded = np.pad(mask, 1).astype(np.uint8)
    distance = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(distance[1:-1, 1:-1], dtype=np.float32)


def _enclosed(mask: Mask) -> NDArray[np.int32]:
    """Number the holes, (H, W), 0 = no hole."""
    labels = _label(np.pad(~mask, 1, constant_values=True), connectivity=4)
    # The pixel at (0, 0) is padding, so the surroundings are component 1 and the holes start at 2.
    return np.maximum(labels[1:-1, 1:-1] - 1, 0)


def _label(mask: Mask, connectivity: int) -> NDArray[np.int32]:
    _, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=connectivity, ltype=cv2.CV_32S)
    return np.asarray(labels, dtype=np.int32)
