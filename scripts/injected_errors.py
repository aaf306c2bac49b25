"""Faults of annotations, put in on purpose, to see who finds them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from models.arrays import Mask
from models.regions import Region

Regions = tuple[Region, ...]
_TRIES = 30


@dataclass(frozen=True, eq=False)
class Scene:
    """An annotated picture that is to become faulty.

    Attributes:
        regions: What was drawn; at least one.
        size_hw: Height and width of the picture.
        classes: What can be drawn.
        elsewhere: What was drawn on another picture, and its height and width.
    """

    regions: Regions
    size_hw: tuple[int, int]
    classes: tuple[str, ...]
    elsewhere: tuple[Regions, tuple[int, int]]


Fault = Callable[[Scene, np.random.Generator], Regions | None]
"""Makes a scene faulty; None if that scene cannot have the fault."""


def shifted(scene: Scene, rng: np.random.Generator) -> Regions | None:
    """An object lies beside its place, by 0.3 to 0.5 of its diameter."""
    index, region = _chosen(scene, rng)
    distance = rng.uniform(0.3, 0.5) * _diameter(region)
    angle = rng.uniform(0, 2 * math.pi)
    row, column = round(distance * math.sin(angle)), round(distance * math.cos(angle))
    moved = replace(region, top=region.top + row, left=region.left + column)
    return _with(scene, index, moved.full_mask(scene.size_hw))


def dilated(scene: Scene, rng: np.random.Generator) -> Regions | None:
    """An object is drawn too large: its outline 0.12 to 0.2 of its diameter farther out."""
    return _resized(scene, rng, outwards=True)


def eroded(scene: Scene, rng: np.random.Generator) -> Regions | None:
    """An object is drawn too small: its outline 0.12 to 0.2 of its diameter farther in."""
    return _resized(scene, rng, outwards=False)


def missing(scene: Scene, rng: np.random.Generator) -> Regions | None:
    """An object was forgotten."""
    index, _ = _chosen(scene, rng)
    return scene.regions[:index] + scene.regions[index + 1 :]


def extra(scene: Scene, rng: np.random.Generator) -> Regions | None:
    """An object is drawn a second time, where there is none."""
    _, region = _chosen(scene, rng)
    taken = np.zeros(scene.size_hw, dtype=bool)
    for each in scene.regions:
        each.paint(taken, True)
    height, width = region.mask.shape
    for _ in range(_TRIES):
        top = int(rng.integers(0, max(1, scene.size_hw[0] - height + 1)))
        left = int(rng.integers(0, max(1, scene.size_hw[1] - width + 1)))
        mask = replace(region, top=top, left=left).full_mask(scene.size_hw)
        if np.count_nonzero(mask & taken) < 0.02 * region.area:
            added = Region.from_mask(mask & ~taken, region.class_name)
            return None if added is None else (*scene.regions, added)
    return None


def swapped(scene: Scene, rng: np.random.Generator) -> Regions | None:
    """An object has the label of another class."""
    index, region = _chosen(scene, rng)
    others = [name for name in scene.classes if name != region.class_name]
    if not others:
        return None
    changed = replace(region, class_name=str(rng.choice(others)))
    return (*scene.regions[:index], changed, *scene.regions[index + 1 :])


def coarse(scene: Scene, rng: np.random.Generator) -> Regions | None:
    """An object is drawn with a few corners only."""
    index, region = _chosen(scene, rng)
    padded = np.pad(region.mask, 1).astype(np.uint8)
    outlines, _ = cv2.findContours(padded, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    outline = max(outlines, key=cv2.contourArea)
    corners = outline
    for share in np.arange(0.02, 0.3, 0.01):
        corners = cv2.approxPolyDP(outline, float(share) * cv2.arcLength(outline, closed=True), closed=True)
        if len(corners) <= 5:
            break
    drawn = cv2.fillPoly(np.zeros_like(padded), [corners], 1)[1:-1, 1:-1] > 0
    return _with(scene, index, _pasted(region, drawn, scene.size_hw))


def holed(scene: Scene, rng: np.random.Generator) -> Regions | None:
    """An object has two to five small holes."""
    index, region = _chosen(scene, rng)
    radius = max(1.0, 0.05 * _diameter(region))
    inner = cv2.erode(np.pad(region.mask, 1).astype(np.uint8), _disc(radius + 2))[1:-1, 1:-1]
    places = np.argwhere(inner > 0)
    if len(places) < 20:
        return None
    mask = region.mask.astype(np.uint8)
    for row, column in rng.permutation(places)[: rng.integers(2, 6)]:
        cv2.circle(mask, (int(column), int(row)), round(radius), 0, -1)
    return _with(scene, index, _pasted(region, mask > 0, scene.size_hw))


def crumbled(scene: Scene, rng: np.random.Generator) -> Regions | None:
    """Three to six crumbs lie beside an object and belong to it."""
    index, region = _chosen(scene, rng)
    mask = region.full_mask(scene.size_hw).astype(np.uint8)
    around = cv2.dilate(mask, _disc(0.4 * _diameter(region) + 4)) > 0
    near = cv2.dilate(mask, _disc(3)) > 0
    places = np.argwhere(around & ~near)
    if len(places) < 20:
        return None
    for row, column in rng.permutation(places)[: rng.integers(3, 7)]:
        cv2.circle(mask, (int(column), int(row)), max(1, round(0.04 * _diameter(region))), 1, -1)
    return _with(scene, index, mask > 0)


def misplaced(scene: Scene, rng: np.random.Generator) -> Regions | None:
    """The objects are those of another picture."""
    regions, size_hw = scene.elsewhere
    moved = []
    for region in regions:
        full = region.full_mask(size_hw).astype(np.uint8)
        resized = cv2.resize(full, scene.size_hw[::-1], interpolation=cv2.INTER_NEAREST) > 0
        moved.append(Region.from_mask(resized, region.class_name))
    return tuple(each for each in moved if each is not None)


FAULTS: Mapping[str, Fault] = {
    "shifted": shifted,
    "too large": dilated,
    "too small": eroded,
    "missing object": missing,
    "extra object": extra,
    "swapped label": swapped,
    "coarse outline": coarse,
    "holes": holed,
    "crumbs": crumbled,
    "another picture's": misplaced,
}
_SMALLEST_CHANGE = 0.03
"""Faults that change less of an object than this are none: 1 - IoU of what is drawn."""


def make_faulty(scene: Scene, kinds: Sequence[str], rng: np.random.Generator) -> tuple[str, Regions] | None:
    """Put one fault into a scene.

    Args:
        scene: Without faults.
        kinds: Names of faults; tried in random order until one is possible.
        rng: Chance.

    Returns:
        The fault's name and what is drawn now; None if none is possible.
    """
    for kind in rng.permutation(list(kinds)):
        changed = FAULTS[str(kind)](scene, rng) if scene.regions else None
        if changed is not None and _is_changed(scene, changed, str(kind)):
            return str(kind), changed
    return None


def _is_changed(scene: Scene, changed: Regions, kind: str) -> bool:
    if kind in ("swapped label", "holes", "crumbs"):
        return True
    before, after = (set(map(_signature, regions)) for regions in (scene.regions, changed))
    gone = [each for each in scene.regions if _signature(each) not in after]
    new = [each for each in changed if _signature(each) not in before]
    if len(gone) != 1 or len(new) != 1:
        return True
    return gone[0].iou(new[0]) < 1 - _SMALLEST_CHANGE


def _signature(region: Region) -> tuple[object, ...]:
    return region.box, region.class_name, region.mask.tobytes()


def _chosen(scene: Scene, rng: np.random.Generator) -> tuple[int, Region]:
    """An object that people would notice: one of the larger half."""
    areas = np.array([region.area for region in scene.regions])
    index = int(rng.choice(np.flatnonzero(areas >= np.median(areas))))
    return index, scene.regions[index]


def _resized(scene: Scene, rng: np.random.Generator, *, outwards: bool) -> Regions | None:
    index, region = _chosen(scene, rng)
    disc = _disc(max(1.0, rng.uniform(0.12, 0.2) * _diameter(region)))
    mask = region.full_mask(scene.size_hw).astype(np.uint8)
    changed = cv2.dilate(mask, disc) if outwards else cv2.erode(mask, disc, borderValue=1)
    return _with(scene, index, changed > 0)


def _with(scene: Scene, index: int, mask: Mask) -> Regions | None:
    """The objects with another mask for one of them; None if that is empty."""
    changed = Region.from_mask(mask, scene.regions[index].class_name)
    return None if changed is None else (*scene.regions[:index], changed, *scene.regions[index + 1 :])


def _pasted(region: Region, mask: Mask, size_hw: tuple[int, int]) -> Mask:
    return replace(region, mask=mask).full_mask(size_hw)


def _diameter(region: Region) -> float:
    return 2 * math.sqrt(region.area / math.pi)


def _disc(radius: float) -> NDArray[np.uint8]:
    side = 2 * max(1, round(radius)) + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), dtype=np.uint8)
