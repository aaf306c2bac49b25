"""Moves outlines a little, to where the picture has edges."""

import cv2
import numpy as np
from numpy.typing import NDArray

from models.arrays import Mask
from models.colour_models import grab_cut
from models.gradients import gradients, smooth_lab
from models.masks import components, distance_inside
from models.options import check_between
from models.postprocess.base import OutlinePostProcessor, Window
from models.regions import Region

_ITERATIONS = 2


class SnapToEdges(OutlinePostProcessor):
    """Cuts the object from its background by colours and edges, in a narrow band around the outline.

    Pixels far inside stay, and none far outside is added. The new outline is taken only if the picture
    changes clearly more along it than along the old one, so a picture without edges changes nothing. A second
    pass may find a still stronger outline.

    Args:
        reach: How far the outline may move, in pixels, from 1 to 50; at most half the radius of the largest
            disc in the object.
        least_gain: The picture must change this many times more along the new outline, from 1 to 100. With 2,
            true masks of nuclei lost 0.006 of Dice, of clothes and everyday things nothing, and shifted
            ones gained 0.03; with 1.1 true masks lost up to 0.1.

    Source: Rother, Kolmogorov, Blake, "GrabCut", SIGGRAPH 2004, section 3; in a band as in Xu, Ahuja, Bansal,
    "Object segmentation using graph cuts based active contours", CVPR 2003. When to take the new outline is
    ours.
    """

    name = "snap-to-edges"
    looks_at_picture = True

    def __init__(self, *, reach: int = 4, least_gain: float = 2.0) -> None:
        check_between("reach", reach, 1, 50)
        check_between("least_gain", least_gain, 1, 100)
        self._least_gain = least_gain
        self._reach = reach

    def margin(self, region: Region) -> int:
        """Enough to see the colours outside; see the base class."""
        return 3 * self._reach

    def moved(self, window: Window) -> Mask:
        """Move one outline; see the base class."""
        mask = window.mask
        depth = distance_inside(mask)
        reach = min(self._reach, float(depth.max()) / 2)
        core = depth > reach
        height = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        far = (height > reach) | ~window.allowed
        cut = grab_cut(window.image, mask, core | window.required, far, _ITERATIONS)
        cut = _parts_with(core, cut)
        edges = gradients(smooth_lab(window.image))
        gains = _along(edges, cut) > self._least_gain * _along(edges, mask)
        return cut if gains else mask


def _parts_with(core: Mask, mask: Mask) -> Mask:
    """Keep the components of a mask that hold a pixel of the core."""
    labels, areas = components(mask)
    keep = np.zeros(len(areas), dtype=bool)
    keep[labels[core]] = True
    keep[0] = False
    return np.asarray(keep[labels])


def _along(edges: NDArray[np.float32], mask: Mask) -> float:
    """Mean gradient at the pixels on both sides of the outline."""
    sides = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    return float(edges[sides].mean()) if sides.any() else 0.0
