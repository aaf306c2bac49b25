"""Figures over many clicked objects: NoC, failures, IoU curves, with intervals over pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.training.click_evaluation import THRESHOLDS, Trace

_RESAMPLES = 2000


@dataclass(frozen=True)
class ClickedObject:
    """An object and its trace.

    Attributes:
        stem: Name of the picture.
        group: Pictures of one group (a patient, a video) are not independent.
        number: Of the object in its picture.
        area: In pixels.
        trace: What happened.
    """

    stem: str
    group: str
    number: int
    area: int
    trace: Trace


@dataclass(frozen=True)
class Estimate:
    """A mean with its 95 % interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class ClickFigures:
    """The protocol's figures; dictionaries are indexed by the threshold.

    Attributes:
        n_objects: Number of objects.
        n_pictures: Number of pictures.
        n_groups: Number of groups of pictures.
        noc: Clicks to reach the threshold; objects that never do count with the cap.
        failed: Share of objects that never reach the threshold.
        iou_after: Mean IoU after 1, 2, ... clicks up to the cap.
        found_after: Share of objects that reached the highest threshold within 1, 2, ... clicks.
    """

    n_objects: int
    n_pictures: int
    n_groups: int
    noc: dict[float, Estimate]
    failed: dict[float, float]
    iou_after: tuple[float, ...]
    found_after: tuple[float, ...]


def click_figures(objects: Sequence[ClickedObject], max_clicks: int, seed: int = 0) -> ClickFigures:
    """Summarise objects.

    Args:
        objects: At least one.
        max_clicks: The cap with which they were clicked.
        seed: Of the bootstrap.

    Raises:
        ValueError: There are no objects.
    """
    if not objects:
        raise ValueError("Figures need at least one object.")
    traces = [item.trace for item in objects]
    groups = [item.group for item in objects]
    needed = {threshold: [trace.clicks_to(threshold) for trace in traces] for threshold in THRESHOLDS}
    steps = range(1, max_clicks + 1)
    found = [max_clicks + 1 if clicks is None else clicks for clicks in needed[THRESHOLDS[-1]]]
    return ClickFigures(
        n_objects=len(objects),
        n_pictures=len({item.stem for item in objects}),
        n_groups=len(set(groups)),
        noc={
            threshold: mean_over_groups([clicks or max_clicks for clicks in row], groups, seed)
            for threshold, row in needed.items()
        },
        failed={threshold: row.count(None) / len(row) for threshold, row in needed.items()},
        iou_after=tuple(float(np.mean([trace.iou_after(k) for trace in traces])) for k in steps),
        found_after=tuple(float(np.mean([clicks <= k for clicks in found])) for k in steps),
    )


def mean_over_groups(values: Sequence[float], groups: Sequence[str], seed: int = 0) -> Estimate:
    """The mean of values, and its interval if whole groups were drawn anew.

    Args:
        values: (N,), at least one.
        groups: The group of each value, (N,).
        seed: Of the random generator.

    Source: the cluster bootstrap with percentile intervals; Davison and Hinkley, "Bootstrap Methods and
    their Application", 1997, sections 3.8 and 5.3.
    """
    numbers: NDArray[np.intp]
    _, numbers = np.unique(np.asarray(groups), return_inverse=True)
    sums = np.bincount(numbers, weights=np.asarray(values, dtype=np.float64))
    counts = np.bincount(numbers)
    n_groups = len(counts)
    random = np.random.default_rng(seed)
    drawn = random.multinomial(n_groups, np.full(n_groups, 1 / n_groups), size=_RESAMPLES)
    low, high = np.percentile((drawn @ sums) / (drawn @ counts), [2.5, 97.5])
    return Estimate(float(sums.sum() / counts.sum()), float(low), float(high))
