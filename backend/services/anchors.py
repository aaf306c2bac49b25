"""What to hold on to when an annotator only says which part of an object is wrong.

Models want to be told where the object is. Who corrects an existing object with negative clicks alone has
said so by choosing it: its innermost part stays.
"""

import cv2
import numpy as np

from models.prompts import Click, Prompts
from models.regions import Region


def anchor_of(region: Region, prompts: Prompts) -> Click:
    """A positive click on the pixel farthest from the object's edge and from all negative clicks on it.

    Args:
        region: The object to be corrected.
        prompts: What the annotator said so far; positive clicks do not matter.
    """
    inside = np.pad(region.mask, 1).astype(np.uint8)
    top, left, bottom, right = region.box
    for click in prompts.clicks:
        row, column = click.pixel
        if not click.positive and top <= row < bottom and left <= column < right:
            inside[row - top + 1, column - left + 1] = 0
    depth = cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    deepest_row, deepest_column = divmod(int(depth.argmax()), depth.shape[1])
    return Click(top + deepest_row, left + deepest_column)
