"""How much the colours change at each pixel of a picture."""

import cv2
import numpy as np
from numpy.typing import NDArray

from models.arrays import Image


def smooth_lab(image: Image) -> NDArray[np.float32]:
    """The picture in CIELAB, a little blurred, (H, W, 3); a difference of 1 is one that people just see."""
    lab = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    return np.asarray(cv2.GaussianBlur(lab, (0, 0), sigmaX=1.0), dtype=np.float32)


def gradients(smooth: NDArray[np.float32]) -> NDArray[np.float32]:
    """Length of the gradient, (H, W), in units of the picture per pixel.

    Args:
        smooth: The picture, (H, W, C).
    """
    across = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, scale=1 / 8)
    down = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, scale=1 / 8)
    return np.asarray(np.sqrt((across**2 + down**2).sum(axis=2)), dtype=np.float32)
