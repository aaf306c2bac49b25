"""One object, clicked until it is found: the loop of the standard protocol, and what is counted in it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from models.arrays import Mask
from models.interactive.base import InteractiveModel, Prediction
from models.metrics import iou
from models.prompts import Click, Prompts
from models.training.clickers import Clicker

AnswerClicks: TypeAlias = Callable[[tuple[Click, ...]], Mask]
"""From all clicks on an object, oldest first, to its mask, (H, W)."""

THRESHOLDS = (0.80, 0.85, 0.90)
"""The IoUs to which clicks are counted: NoC@80, NoC@85, NoC@90."""


@dataclass(frozen=True)
class Limits:
    """When an object is given up or done.

    Attributes:
        max_clicks: After so many clicks it counts as failed; at least 1.
        curve_clicks: So many clicks are made even if the highest threshold is reached earlier, so that the
            mean IoU after each of them is a mean over all objects.
    """

    max_clicks: int = 20
    curve_clicks: int = 10


@dataclass(frozen=True)
class Trace:
    """What happened to one object.

    Attributes:
        ious: IoU after each click; at least one.
        seconds: Waiting time of each click.
    """

    ious: tuple[float, ...]
    seconds: tuple[float, ...]

    def clicks_to(self, threshold: float) -> int | None:
        """Number of the first click after which the IoU was at least this high; None if it never was."""
        reached = (number for number, value in enumerate(self.ious, start=1) if value >= threshold)
        return next(reached, None)

    def iou_after(self, n_clicks: int) -> float:
        """IoU after this many clicks (at least 1), the last one if the annotator stopped earlier."""
        return self.ious[min(n_clicks, len(self.ious)) - 1]


def new_object(model: InteractiveModel[Any], embedding: Any) -> AnswerClicks:
    """Begin an object whose every answer is fed back as the next call's previous one.

    Args:
        model: Loaded.
        embedding: What it made of the picture.
    """
    previous: Prediction | None = None

    def answer(clicks: tuple[Click, ...]) -> Mask:
        nonlocal previous
        previous = model.segment(embedding, Prompts(clicks), previous)
        return previous.mask

    return answer


def click_until_found(
    answer: AnswerClicks, truth: Mask, ignored: Mask | None, clicker: Clicker, limits: Limits
) -> Trace:
    """Click an object until its mask is good enough.

    Args:
        answer: What is measured.
        truth: The object, (H, W); at least one pixel that is not ignored.
        ignored: Pixels that count neither in the IoU nor as errors, (H, W).
        clicker: The simulated annotator.
        limits: When to stop. The annotator also stops when nothing is wrong.

    Raises:
        ValueError: The object has no pixels.
    """
    valid = np.ones_like(truth) if ignored is None else ~ignored
    if not (truth & valid).any():
        raise ValueError("An object without pixels cannot be clicked.")
    mask = np.zeros_like(truth)
    clicks: list[Click] = []
    ious: list[float] = []
    seconds: list[float] = []
    while len(clicks) < limits.max_clicks:
        if len(clicks) >= limits.curve_clicks and max(ious, default=0.0) >= THRESHOLDS[-1]:
            break
        click = clicker.next_click(mask, truth, ignored)
        if click is None:
            break
        clicks.append(click)
        started = time.perf_counter()
        mask = answer(tuple(clicks))
        seconds.append(time.perf_counter() - started)
        ious.append(iou(mask & valid, truth & valid))
    return Trace(tuple(ious), tuple(seconds))
