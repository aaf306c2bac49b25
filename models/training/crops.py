"""Training crops for click models: a part of a picture in the network's grid and objects in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.arrays import Image, Mask

Labels = NDArray[np.int32]

_CLOSE_SHARE = 0.6
"""Share of crops that frame the object closely, as the last look of the interactive model does."""
_WHOLE_SHARE = 0.15
"""Share of crops that are the whole picture, as its first look; not for objects that it would hardly show."""
_SHOWN = 0.03
"""Smallest part of the whole picture's side that an object must fill to be seen in it."""
_INSIDE_SHARE = 0.12
"""Share of crops that show a part of the object only, as a look that is too close does."""
_INSIDE = (0.2, 1.0)
_CLOSE = (1.15, 2.2)
_FAR = (2.0, 6.0)
"""Side of a crop in units of the object's longer side."""
_SMALLEST_SIDE = 24
"""Of a crop, in pixels of the picture."""
_SMALLEST_OBJECT = 25
"""Area in pixels of the grid below which an object is left out."""


@dataclass(frozen=True, eq=False)
class Crop:
    """One input of the network.

    Attributes:
        image: (S, S, 3) RGB; zero where `valid` is false.
        objects: (M, S, S) with M >= 1.
        valid: (S, S): pixels that count; false beyond the picture and where the truth is unknown.
    """

    image: Image
    objects: Mask
    valid: Mask


def take_crop(
    image: Image,
    labels: Labels,
    ignored: Mask | None,
    *,
    side: int,
    max_objects: int,
    rng: np.random.Generator,
) -> Crop | None:
    """Cut a random part around a random object.

    Args:
        image: (H, W, 3) RGB.
        labels: (H, W): 0 = background, else the object's number.
        ignored: (H, W): pixels whose truth is unknown.
        side: Of the grid, in pixels.
        max_objects: Most objects returned for one crop.
        rng: Source of all choices.

    Returns:
        None when the picture holds no object large enough.
    """
    places = [(number, place) for number, place in enumerate(ndimage.find_objects(labels), 1) if place]
    if not places:
        return None
    number, (rows, columns) = places[rng.integers(len(places))]
    window = _window(rows, columns, (image.shape[0], image.shape[1]), rng)
    height, width = window[1] - window[0], window[3] - window[2]
    scale = side / max(height, width)
    grid = max(1, round(height * scale)), max(1, round(width * scale))
    cut = np.s_[window[0] : window[1], window[2] : window[3]]
    part = labels[cut]
    near = [
        other
        for other, (r, c) in places
        if r.start < window[1] and r.stop > window[0] and c.start < window[3] and c.stop > window[2]
    ]
    others = [other for other in near if other != number]
    rng.shuffle(others)
    objects = []
    for candidate in [number, *others]:
        mask = resize_mask(part == candidate, grid)
        if mask.sum() >= _SMALLEST_OBJECT:
            objects.append(_padded(mask, side))
        if len(objects) == max_objects:
            break
    if not objects:
        return None
    valid: Mask = np.ones(grid, dtype=bool)
    if ignored is not None and ignored[cut].any():
        valid = ~resize_mask(ignored[cut], grid)
    shrinking = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = cv2.resize(image[cut], grid[::-1], interpolation=shrinking)
    return Crop(_padded(small, side), np.stack(objects), _padded(valid, side))


def resize_mask(mask: Mask, size_hw: tuple[int, int]) -> Mask:
    """Resample a mask, (h, w); outlines stay smooth when it grows."""
    shrinking = mask.shape[0] > size_hw[0] or mask.shape[1] > size_hw[1]
    interpolation = cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(mask.astype(np.float32), size_hw[::-1], interpolation=interpolation) > 0.5)


def _window(
    rows: slice, columns: slice, size_hw: tuple[int, int], rng: np.random.Generator
) -> tuple[int, int, int, int]:
    """Choose (top, bottom, left, right) of a square around an object, cut off at the picture's edges."""
    chance = rng.random()
    extent = max(rows.stop - rows.start, columns.stop - columns.start)
    if chance < _WHOLE_SHARE and extent >= _SHOWN * max(size_hw):
        return 0, size_hw[0], 0, size_hw[1]
    low, high = _INSIDE
    if chance < 1 - _INSIDE_SHARE:
        low, high = _CLOSE if chance < _WHOLE_SHARE + _CLOSE_SHARE else _FAR
    factor = float(np.exp(rng.uniform(np.log(low), np.log(high))))
    length = max(_SMALLEST_SIDE, round(extent * factor))
    room = abs(length - extent) / 2
    sides: list[int] = []
    for part, size in zip((rows, columns), size_hw, strict=True):
        centre = (part.start + part.stop) / 2 + rng.uniform(-room, room) * 0.9
        first = round(centre - length / 2)
        if length < size:  # otherwise the picture is seen whole in this direction
            first = min(max(first, 0), size - length)
        sides += [max(0, first), min(size, first + length)]
    return sides[0], sides[1], sides[2], sides[3]


def _padded(values: NDArray[Any], side: int) -> NDArray[Any]:
    padding = [(0, side - values.shape[0]), (0, side - values.shape[1])] + [(0, 0)] * (values.ndim - 2)
    return np.pad(values, padding)
