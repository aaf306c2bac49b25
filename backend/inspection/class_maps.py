"""Where the objects of each class are, roughly: what is kept of an annotation to compare it with others."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from backend.inspection.base import DrawnObject
from backend.inspection.working_grid import covered

ClassMaps: TypeAlias = Mapping[str, NDArray[np.float32]]
"""For each class that was drawn, the covered share of each place of a grid, (g, g) in [0, 1]."""


def class_maps(
    objects: Sequence[DrawnObject], size_hw: tuple[int, int], side: int
) -> dict[str, NDArray[np.float32]]:
    """Reduce an annotation to a grid.

    Args:
        objects: What was drawn.
        size_hw: Height and width of the picture.
        side: Places of the grid along each side.
    """
    maps: dict[str, NDArray[np.float32]] = {}
    for drawn in objects:
        shares, (rows, columns) = covered(drawn.region, size_hw, (side, side))
        whole = maps.setdefault(drawn.region.class_name, np.zeros((side, side), dtype=np.float32))
        whole[rows, columns] = np.minimum(whole[rows, columns] + shares, 1)
    return maps


def packed(maps: ClassMaps) -> dict[str, str]:
    """As JSON, in steps of 1/255; `unpacked` reads it."""
    return {
        name: b64encode(np.rint(255 * each).astype(np.uint8).tobytes()).decode()
        for name, each in maps.items()
    }


def unpacked(text: Mapping[str, str], side: int) -> dict[str, NDArray[np.float32]]:
    """Read what `packed` wrote, of the same side."""
    return {name: _shares(each, side) for name, each in text.items()}


def _shares(text: str, side: int) -> NDArray[np.float32]:
    steps = np.frombuffer(b64decode(text), dtype=np.uint8).astype(np.float32)
    return np.asarray(steps / 255, dtype=np.float32).reshape(side, side)


def difference(one: ClassMaps, other: ClassMaps) -> float:
    """How much of two annotations of the same place is not in both.

    Args:
        one: An annotation.
        other: Another one, on a grid of the same side.

    Returns:
        In [0, 1]: one minus the Dice coefficient of the shares, over all classes; 0 if both are empty.
    """
    both = sum(float(np.minimum(one[name], other[name]).sum()) for name in one.keys() & other.keys())
    together = sum(float(each.sum()) for maps in (one, other) for each in maps.values())
    return 1 - 2 * both / together if together else 0.0
