"""Damages true masks as hands, thresholds and networks do, each kind in its own way and by chance."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.arrays import Mask
from models.masks import distance_inside
from models.postprocess.merge_close import MergeClose
from models.regions import Region

Regions = Sequence[Region]
Damage = Callable[[Regions, tuple[int, int], np.random.Generator], list[Region]]

_TREMBLE = 0.1
"""Standard deviation of a jagged outline, in units of the radius of the largest disc in the object."""
_MOST_TREMBLE = 3.0
"""The same in pixels."""
_SHIFT = 0.15
"""Of an outline that is shifted, wider or narrower, in units of that radius."""
_BLOB = 0.25
"""Radius of the largest crumb or hole, likewise."""
_MOST_BLOBS = 4
_TOUCH = 2
"""Pixels between neighbours that become one."""


def damaged(regions: Regions, size_hw: tuple[int, int], kind: str, seed: Sequence[int]) -> list[Region]:
    """Damage the objects of a picture.

    Args:
        regions: True objects that do not overlap.
        size_hw: Height and width of the picture.
        kind: One of `KINDS`.
        seed: Of the chance.

    Returns:
        The damaged objects; those of which nothing is left are missing. Crumbs may lie on other objects.
    """
    return KINDS[kind](regions, size_hw, np.random.default_rng(seed))


def _jagged(regions: Regions, size_hw: tuple[int, int], rng: np.random.Generator) -> list[Region]:
    """An outline that trembles from pixel to pixel."""
    return _each(regions, size_hw, 8, lambda mask, radius: _trembling(mask, radius, rng))


def _shifted(regions: Regions, size_hw: tuple[int, int], rng: np.random.Generator) -> list[Region]:
    """An outline beside the true one, or wider, or narrower."""

    def damage(mask: Mask, radius: float) -> Mask:
        if rng.random() < 0.5:
            return np.asarray(_height(mask) > rng.choice([-1, 1]) * _SHIFT * radius)
        angle = rng.uniform(0, 2 * np.pi)
        way = _SHIFT * radius * np.array([np.sin(angle), np.cos(angle)])
        return np.asarray(ndimage.shift(mask.astype(np.float32), way, order=1) > 0.5)

    return _each(regions, size_hw, 2, damage)


def _crumbs(regions: Regions, size_hw: tuple[int, int], rng: np.random.Generator) -> list[Region]:
    """Crumbs beside the object, which belong to it."""

    def damage(mask: Mask, radius: float) -> Mask:
        height = _height(mask)
        near = (height < -2) & (height > -0.6 * radius - 4)
        return mask | (_blobs(near, radius, rng) & ~mask)

    return _each(regions, size_hw, 4, damage)


def _holes(regions: Regions, size_hw: tuple[int, int], rng: np.random.Generator) -> list[Region]:
    """Small holes that the object does not have."""
    return _each(regions, size_hw, 2, lambda mask, radius: mask & ~_blobs(_deep(mask, radius), radius, rng))


def _merged(regions: Regions, size_hw: tuple[int, int], rng: np.random.Generator) -> list[Region]:
    """Neighbours of one class that became one."""
    return MergeClose(gap=_TOUCH).process(regions, np.zeros((*size_hw, 3), dtype=np.uint8))


def _mixed(regions: Regions, size_hw: tuple[int, int], rng: np.random.Generator) -> list[Region]:
    """Everything that happens to the mask of one object but for shifts, one after the other."""
    for damage in (_jagged, _crumbs, _holes):
        regions = damage(regions, size_hw, rng)
    return list(regions)


def _unharmed(regions: Regions, size_hw: tuple[int, int], rng: np.random.Generator) -> list[Region]:
    return list(regions)


KINDS: Mapping[str, Damage] = {
    "clean": _unharmed,
    "jagged": _jagged,
    "shifted": _shifted,
    "crumbs": _crumbs,
    "holes": _holes,
    "merged": _merged,
    "mixed": _mixed,
}
"""What can happen to the masks of a picture; "clean" is nothing."""


def _each(
    regions: Regions, size_hw: tuple[int, int], margin: int, damage: Callable[[Mask, float], Mask]
) -> list[Region]:
    """Damage one object after the other, with some space around it inside the picture."""
    found = []
    for region in regions:
        radius = float(distance_inside(region.mask).max())
        width = margin + round(radius)
        top, left = min(width, region.top), min(width, region.left)
        bottom, right = min(width, size_hw[0] - region.box[2]), min(width, size_hw[1] - region.box[3])
        mask = np.pad(region.mask, ((top, bottom), (left, right)))
        around = replace(region, mask=mask, top=region.top - top, left=region.left - left)
        changed = around.with_mask(damage(mask, radius))
        if changed is not None:
            found.append(changed)
    return found


def _height(mask: Mask) -> NDArray[np.float32]:
    """Distance to the outline in pixels, (h, w), positive inside."""
    if mask.all():
        return distance_inside(mask)
    return np.asarray(distance_inside(mask) - distance_inside(~mask), dtype=np.float32)


def _deep(mask: Mask, radius: float) -> Mask:
    """Where a hole does not reach the outline."""
    return np.asarray(_height(mask) > _BLOB * radius + 1)


def _trembling(mask: Mask, radius: float, rng: np.random.Generator) -> Mask:
    noise = cv2.GaussianBlur(rng.standard_normal(mask.shape).astype(np.float32), (0, 0), sigmaX=1.0)
    noise = np.clip(noise / noise.std(), -2, 2)
    return np.asarray(_height(mask) > min(_MOST_TREMBLE, _TREMBLE * radius) * noise)


def _blobs(where: Mask, radius: float, rng: np.random.Generator) -> Mask:
    """A few round blobs around pixels of a mask."""
    places = np.flatnonzero(where)
    blobs = np.zeros(where.shape, dtype=np.uint8)
    if places.size:
        for place in rng.choice(places, size=rng.integers(1, _MOST_BLOBS + 1)):
            row, column = divmod(int(place), where.shape[1])
            size = round(rng.uniform(0.3, 1) * _BLOB * radius)
            cv2.circle(blobs, (column, row), size, 1, cv2.FILLED)
    return np.asarray(blobs > 0)
