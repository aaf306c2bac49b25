"""Simulated annotators: where the next click on a wrong mask goes.

The wrong pixels of one kind (missing, or too much) form shapes; the depth of a wrong pixel is its Euclidean
distance to the nearest pixel that is not wrong in the same way, where what lies beyond the picture's border
counts as not wrong. The largest error is the one that reaches the greatest depth, that is, holds the largest
disc. A click goes into it: positive where something is missing, negative where the mask has too much.

Source: the evaluation protocol of Xu et al., "Deep interactive object selection", CVPR 2016, in the form of
Sofiiuk et al., "Reviving iterative training with mask guidance for interactive segmentation", ICIP 2022
(RITM), with its ties: equally deep errors get a negative click; the first deepest pixel in reading order
is clicked.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from models.arrays import Mask
from models.masks import components, distance_inside
from models.prompts import Click
from models.registry import Registry

_SHARPNESS = 2
"""Exponent of the depth in a jittered click's probability: people avoid edges without looking for centres."""


class Clicker(ABC):
    """A simulated annotator. Draws from a random generator of its own, so one thread uses it.

    Args:
        seed: Of the random generator; sequences are taken as by `numpy.random.default_rng`.
    """

    name: ClassVar[str]

    def __init__(self, *, seed: int | Sequence[int] = 0) -> None:
        self._random = np.random.default_rng(seed)

    def next_click(self, prediction: Mask, truth: Mask, ignored: Mask | None = None) -> Click | None:
        """Point at the largest error of a mask.

        Args:
            prediction: The mask so far, (H, W); empty before the first click.
            truth: The object that the annotator means, (H, W).
            ignored: Pixels that are right whatever the mask says, (H, W).

        Returns:
            A click on the centre of a wrong pixel, or None when nothing is wrong.

        Raises:
            ValueError: The shapes differ.
        """
        shapes = {prediction.shape, truth.shape} | ({ignored.shape} if ignored is not None else set())
        if len(shapes) > 1:
            raise ValueError(f"The masks have different shapes: {', '.join(map(str, sorted(shapes)))}.")
        wrong = prediction ^ truth
        if ignored is not None:
            wrong &= ~ignored
        missing, missing_corner = _depth(wrong & truth)
        surplus, surplus_corner = _depth(wrong & prediction)
        positive = bool(missing.max(initial=0) > surplus.max(initial=0))
        depth, (top, left) = (missing, missing_corner) if positive else (surplus, surplus_corner)
        if depth.size == 0:
            return None
        row, column = self._choose(depth)
        return Click(top + row, left + column, positive)

    @abstractmethod
    def _choose(self, depth: NDArray[np.float32]) -> tuple[int, int]:
        """Choose a pixel of the largest error.

        Args:
            depth: Of the wrong pixels of one kind, (h, w), 0 elsewhere; at least one is positive.
        """


class CentreClicker(Clicker):
    """Clicks the deepest pixel: the standard protocol, without chance."""

    name = "centre"

    def _choose(self, depth: NDArray[np.float32]) -> tuple[int, int]:
        return _deepest(depth)


class JitteredClicker(Clicker):
    """Clicks anywhere in the largest error, the more probably the deeper, as people do."""

    name = "jittered"

    def _choose(self, depth: NDArray[np.float32]) -> tuple[int, int]:
        labels, _ = components(depth > 0)
        weights = np.where(labels == labels[_deepest(depth)], depth, 0).astype(np.float64).ravel()
        heights = np.cumsum(weights**_SHARPNESS)
        drawn = self._random.random() * heights[-1]
        row, column = np.unravel_index(np.searchsorted(heights, drawn, side="right"), depth.shape)
        return int(row), int(column)


CLICKERS = Registry[Clicker]("clicker", [CentreClicker, JitteredClicker])


def _depth(wrong: Mask) -> tuple[NDArray[np.float32], tuple[int, int]]:
    """Depth of the wrong pixels inside their bounding box, and the box's first row and column."""
    rows = np.flatnonzero(wrong.any(axis=1))
    if rows.size == 0:
        return np.zeros((0, 0), np.float32), (0, 0)
    columns = np.flatnonzero(wrong.any(axis=0))
    top, left = int(rows[0]), int(columns[0])
    return distance_inside(wrong[top : rows[-1] + 1, left : columns[-1] + 1]), (top, left)


def _deepest(depth: NDArray[np.float32]) -> tuple[int, int]:
    row, column = np.unravel_index(np.argmax(depth), depth.shape)
    return int(row), int(column)
