"""Drawn objects on the coarser grid of a network's probabilities."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.inspection.base import Belief, Subject
from models.regions import Region

UNKNOWN = -1
"""Class of places whose label the network does not know."""

Coverage = NDArray[np.float32]
Place = tuple[slice, slice]


def covered(region: Region, size_hw: tuple[int, int], grid_hw: tuple[int, int]) -> tuple[Coverage, Place]:
    """How much of each place of a coarser grid an object covers.

    Args:
        region: The object, in pixels of the picture.
        size_hw: Height and width of the picture.
        grid_hw: Height and width of the grid.

    Returns:
        Shares in [0, 1] around the object, (h, w), not empty; and their rows and columns on the grid.
    """
    top, left, bottom, right = region.box
    rows = _grid_range(top, bottom, size_hw[0], grid_hw[0])
    columns = _grid_range(left, right, size_hw[1], grid_hw[1])
    y = _pixel_range(rows, size_hw[0], grid_hw[0])
    x = _pixel_range(columns, size_hw[1], grid_hw[1])
    canvas = np.zeros((y.stop - y.start, x.stop - x.start), dtype=np.float32)
    replace(region, top=top - y.start, left=left - x.start).paint(canvas, 1)
    part_hw = rows.stop - rows.start, columns.stop - columns.start
    shares = np.asarray(cv2.resize(canvas, part_hw[::-1], interpolation=cv2.INTER_AREA), dtype=np.float32)
    return np.minimum(shares.reshape(part_hw), 1), (rows, columns)


def mean_inside(values: NDArray[np.float32], coverage: Coverage, place: Place) -> NDArray[np.float32]:
    """Mean of maps over an object, weighted by how much of each place it covers.

    Args:
        values: Maps on the grid, (K, h, w).
        coverage: See `covered`.
        place: See `covered`.

    Returns:
        (K,)
    """
    weights = coverage + 1e-6
    return np.asarray((values[:, place[0], place[1]] * weights).sum((1, 2)) / weights.sum())


def drawn_classes(subject: Subject, belief: Belief) -> NDArray[np.int64]:
    """The class that people gave each place of a network's grid; smaller objects lie in front.

    Args:
        subject: The annotation.
        belief: Its grid and its classes.

    Returns:
        (h, w): 0 = background, 1 = the network's first class, ...; `UNKNOWN` for labels it does not know.
    """
    classes = np.zeros(grid_of(belief), dtype=np.int64)
    for drawn in sorted(subject.objects, key=lambda each: -each.region.area):
        coverage, (rows, columns) = covered(drawn.region, subject.size_hw, grid_of(belief))
        classes[rows, columns][coverage > 0.5] = channel(belief, drawn.region.class_name)
    return classes


def grid_of(belief: Belief) -> tuple[int, int]:
    """Height and width of a network's grid."""
    return belief.probabilities.shape[1], belief.probabilities.shape[2]


def channel(belief: Belief, class_name: str) -> int:
    """Where the probabilities of a class are; `UNKNOWN` for one that the network does not know."""
    return 1 + belief.classes.index(class_name) if class_name in belief.classes else UNKNOWN


def _grid_range(start: int, stop: int, size: int, grid: int) -> slice:
    """Places of the grid that pixels reach into, at least one."""
    first = min(grid - 1, max(0, start) * grid // size)
    return slice(first, max(first + 1, min(grid, -(-stop * grid // size))))


def _pixel_range(places: slice, size: int, grid: int) -> slice:
    """Pixels that places of the grid stand for, at least one."""
    first = min(size - 1, round(places.start * size / grid))
    return slice(first, max(first + 1, round(places.stop * size / grid)))
