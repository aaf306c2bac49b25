"""The part of a picture around an object, made small: what rules about its colours and edges look at."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from backend.inspection.base import DrawnObject, Subject
from models.arrays import Image, Mask
from models.regions import Region

_LONGEST = 128
"""Pixels; longer objects are made smaller, so that an object of 2000 pixels costs as much as one of 200."""
_MARGIN = 0.25
"""Picture around the object, as a share of the square root of its area; at least 4 pixels."""


@dataclass(frozen=True, eq=False)
class Window:
    """An object and its surroundings.

    Attributes:
        image: (h, w, 3) RGB.
        region: The object in the window. It touches the window's border only where the picture ends.
    """

    image: Image
    region: Region

    @property
    def mask(self) -> Mask:
        """The object, (h, w)."""
        return self.region.full_mask((self.image.shape[0], self.image.shape[1]))


def window(drawn: DrawnObject, subject: Subject) -> Window | None:
    """Cut out an object, and make it smaller if it is large.

    Args:
        drawn: The object; what sticks out of the picture is left out.
        subject: The picture.

    Returns:
        None if nothing of the object is left.
    """
    region = drawn.region
    margin = max(4, round(_MARGIN * region.area**0.5))
    top, left, bottom, right = region.box
    rows = slice(max(0, top - margin), min(subject.size_hw[0], bottom + margin))
    columns = slice(max(0, left - margin), min(subject.size_hw[1], right + margin))
    image = subject.image[rows, columns]
    if not image.size:
        return None
    around = Region(region.mask, top - rows.start, left - columns.start, region.class_name)
    mask = around.full_mask((image.shape[0], image.shape[1]))
    scale = _LONGEST / max(region.mask.shape)
    if scale < 1:
        # Only every so-manieth pixel is averaged, at least two in each direction: large objects cost no more.
        step = max(1, int(0.5 / scale))
        image, mask = image[::step, ::step], mask[::step, ::step]
        size_wh = [max(1, round(scale * step * side)) for side in (image.shape[1], image.shape[0])]
        image = np.asarray(cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        mask = (
            np.asarray(cv2.resize(255 * mask.astype(np.uint8), size_wh, interpolation=cv2.INTER_AREA)) > 127
        )
    found = Region.from_mask(mask)
    return None if found is None else Window(image, found)
