"""From masks to polygons: few corners, holes and separate parts kept.

Each part of a mask becomes one closed outline. A hole is joined to it by a bridge, a line that is passed
twice, there and back, and encloses nothing ("keyhole"); it runs the other way round than the outside, so
that both filling rules leave it empty. Coordinates are pixel edges, see `geometry`.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from backend.labelstudio.geometry import fill_outlines, inside_outlines
from backend.labelstudio.rings import border_rings, refitted, simplified, smoothed
from models.arrays import Mask
from models.masks import components, holes
from models.regions import Region

_TOLERANCES = (0.0, *(0.3 * 1.25**step for step in range(48)))
"""Pixels by which simplifying may move an outline; the last exceed every picture."""
_ROWS_MEASURED = 400
"""Rows of a tall part that the search looks at; its outcome is checked on all of them."""
_CORNERS_PER_PIECE = 12
"""A hole cut down to four corners has six with its bridge; twice that leaves the large pieces some shape."""


@dataclass(frozen=True, eq=False)
class Outlines:
    """A mask as polygons.

    Attributes:
        polygons_xy: One closed outline for each part, (N, 2) each.
        iou: Overlap of the filled outlines with the mask, in [0, 1].
    """

    polygons_xy: tuple[NDArray[np.float64], ...]
    iou: float


@dataclass(frozen=True, eq=False)
class _Part:
    """A connected part: its crop, where that lies, and its rings, outside first."""

    mask: Mask
    offset_xy: tuple[int, int]
    rings: tuple[NDArray[np.float64], ...]
    is_smooth: bool
    level: int = 0
    """Index of the tolerance that fits."""

    def simplified(self, level: int) -> list[NDArray[np.float64]]:
        tolerance = _TOLERANCES[max(level, self.level)]
        simple = [simplified(ring, tolerance) for ring in self.rings]
        if self.is_smooth:
            reach = max(1, tolerance)
            simple = [
                refitted(ring, corners, reach) for ring, corners in zip(self.rings, simple, strict=True)
            ]
        return simple

    def n_corners(self, level: int) -> int:
        return sum(map(len, self.simplified(level))) + 2 * (len(self.rings) - 1)

    def iou(self, level: int, every: int = 1) -> float:
        """Overlap of the filled rings with the mask, measured on every so-manieth row of pixels."""
        sample = self.mask[every // 2 :: every]
        scale, shift = (1, 1 / every), (0, 0.5 - (every // 2 + 0.5) / every)
        return _iou(
            inside_outlines([ring * scale + shift for ring in self.simplified(level)], _size(sample)), sample
        )


def outline(region: Region, *, min_iou: float, max_points: int) -> Outlines:
    """Find polygons with few corners that still show the same object.

    Every part and hole is kept unless there are too many for `max_points`; then the smallest are left out.

    Args:
        region: The object; coordinates of the result are the picture's.
        min_iou: Least overlap of each part's polygon with that part, in (0, 1].
        max_points: Most corners of all polygons together, at least 6. It wins over `min_iou`.

    Source: corners are chosen as in Douglas and Peucker, "Algorithms for the reduction of the number of
    points required to represent a digitized line or its caricature", 1973, with the largest tolerance that
    reaches `min_iou`. Differs: two drawings of the border compete, its exact steps and a smoothed one.
    """
    mask = _largest_pieces(region.mask, max(1, max_points // _CORNERS_PER_PIECE))
    labels, _ = components(mask)
    parts = [
        _fitted_part(labels[place] == number, (place[1].start, place[0].start), min_iou)
        for number, place in enumerate(ndimage.find_objects(labels), start=1)
    ]
    level = 0
    if sum(part.n_corners(0) for part in parts) > max_points:
        level = bisect_left(
            range(len(_TOLERANCES) - 1),
            True,
            key=lambda level: sum(part.n_corners(level) for part in parts) <= max_points,
        )
    polygons = [_bridged(part.simplified(level)) + part.offset_xy for part in parts]
    drawn = np.zeros_like(mask)
    for polygon in polygons:
        filled = fill_outlines([polygon], _size(mask))
        if filled is not None:
            top, left, bottom, right = filled.box
            drawn[top:bottom, left:right] |= filled.mask
    offset = (region.left, region.top)
    return Outlines(tuple(polygon + offset for polygon in polygons), _iou(drawn, region.mask))


def _fitted_part(mask: Mask, offset_xy: tuple[int, int], min_iou: float) -> _Part:
    """Of the two drawings the one that needs fewer corners; the exact one if they are equal."""
    exact = _Part(mask, offset_xy, tuple(border_rings(mask)), is_smooth=False)
    if exact.n_corners(0) == 4:  # a rectangle
        return exact
    smooth = _Part(mask, offset_xy, tuple(smoothed(ring) for ring in exact.rings), is_smooth=True)
    fitting = [part for part in (_coarsest(exact, min_iou), _coarsest(smooth, min_iou)) if part is not None]
    return min(fitting, key=lambda part: part.n_corners(0))


def _coarsest(part: _Part, min_iou: float) -> _Part | None:
    """The part with the largest tolerance that keeps the overlap, None if none does."""
    every = 1 + part.mask.shape[0] // _ROWS_MEASURED
    too_far = bisect_left(range(len(_TOLERANCES)), True, key=lambda level: part.iou(level, every) < min_iou)
    # Some rows may tell less than all of them.
    fitting = (level for level in reversed(range(too_far)) if every == 1 or part.iou(level) >= min_iou)
    level = next(fitting, None)
    return None if level is None else replace(part, level=level)


def _bridged(rings: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Join the holes to the outside, each over the shortest way between two corners."""
    joined = rings[0]
    for hole in rings[1:]:
        distance = ((joined[:, None] - hole) ** 2).sum(axis=2)
        leave, enter = np.unravel_index(distance.argmin(), distance.shape)
        around = np.roll(hole, -enter, axis=0)
        joined = np.concatenate([joined[: leave + 1], around, around[:1], joined[leave:]])
    return joined


def _largest_pieces(mask: Mask, limit: int) -> Mask:
    """Keep the largest parts and holes, `limit` together and one part at least."""
    labels, areas = components(mask)
    _, hole_areas = holes(mask)
    if areas.size + hole_areas.size - 2 <= limit:
        return mask
    ranked = np.argsort(-np.concatenate([areas[1:], hole_areas[1:]]), kind="stable")[:limit]
    n_parts = max(1, np.count_nonzero(ranked < areas.size - 1))
    is_kept = np.zeros(areas.size, dtype=bool)
    is_kept[1 + np.argsort(-areas[1:], kind="stable")[:n_parts]] = True
    kept = is_kept[labels]
    hole_labels, hole_areas = holes(kept)
    is_filled = np.ones(hole_areas.size, dtype=bool)
    is_filled[0] = False
    is_filled[1 + np.argsort(-hole_areas[1:], kind="stable")[: limit - n_parts]] = False
    return np.asarray(kept | is_filled[hole_labels])


def _iou(one: Mask, other: Mask) -> float:
    return np.count_nonzero(one & other) / np.count_nonzero(one | other)


def _size(mask: Mask) -> tuple[int, int]:
    height, width = mask.shape
    return height, width
