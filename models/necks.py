"""Divides masks where they are narrow, as two touching objects are where they touch."""

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.morphology import local_maxima, reconstruction
from skimage.segmentation import expand_labels, watershed

from models.arrays import Mask
from models.masks import distance_inside


def split_at_necks(
    mask: Mask, neck: float, least_radius: float = 0.0, *, max_side: int = 1024
) -> NDArray[np.int32]:
    """Number the parts of a mask that only necks connect.

    Args:
        mask: (H, W), at least one pixel.
        neck: A neck divides when it is narrower than this many times the smaller of the two parts that it
            connects, in (0, 1); larger values divide more.
        least_radius: Parts in which no larger disc fits are parts of their neighbours, in pixels.
        max_side: Larger masks are divided at a reduced resolution; their outline stays as it is.

    Returns:
        The number of each pixel's part, (H, W); 0 = outside, or hanging on by a corner or a thin line only.
        Parts that do not touch have different numbers.

    Source: Meyer, "Topographic distance and watershed lines", Signal Processing 38, 1994; peaks by
    reconstruction: Vincent, "Morphological grayscale reconstruction", IEEE TIP 2, 1993, section 3.3. Differs:
    the height of a peak is judged relative to the peak, not in pixels.
    """
    height, width = mask.shape
    step = -(-max(height, width) // max_side)
    if step == 1:
        return _split(mask, neck, least_radius)
    size_xy = (-(-width // step), -(-height // step))
    share = cv2.resize(mask.astype(np.float32), size_xy, interpolation=cv2.INTER_AREA)
    coarse = expand_labels(_split(np.asarray(share >= 0.5), neck, least_radius / step), distance=3)
    labels = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_NEAREST)
    return np.where(mask, labels, 0)


def _split(mask: Mask, neck: float, least_radius: float) -> NDArray[np.int32]:
    distance = distance_inside(mask)
    height = np.where(mask, np.maximum(distance, least_radius), 0)
    peaks = local_maxima(reconstruction(neck * height, height)) & mask
    markers, _ = ndimage.label(peaks, np.ones((3, 3)))
    return np.asarray(watershed(-distance, markers, mask=mask), dtype=np.int32)
