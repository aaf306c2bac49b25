"""Clicks one after the other: each answer is refined from the one before it.

Label Studio sends all clicks on an object each time, and no mask. The mask that the annotator saw is
computed again from those clicks: a *chain* of steps, where each step sees the answer of an earlier one. The
answers of all steps are cached, so that a further click usually costs one step. After a loss, or in another
process, it costs the whole chain and gives the same bits, because a step is a function of the request alone.
A point that was moved or undone makes another chain.

The steps of a chain, decided by the clicks alone:

* Neighbouring clicks that share a prompt's id were drawn with one stroke and make one step. A scribble of a
  hundred clicks costs one call of the model.
* The first step has the fewest clicks that say where the object is: none beside a box, else up to the first
  stroke with a positive click. It starts from the object that is to be corrected, if there is one. Such an
  object may be out of date: it may have been deleted a moment ago, because it was wrong. So who begins with a
  positive click gets what that click alone means, unless this is about the same object.
* Each of the first 32 steps sees the answer of the step before it. Later ones see the last step whose number
  is a power of two, so that any number of clicks can be answered anew with few calls.

Concurrency. Whoever computes steps holds a slot of the device and waits, if at all, for somebody who computes
an earlier step of the same chain and holds a slot too. So nobody waits in a circle.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TypeAlias

import numpy as np

from backend.byte_cache import ByteCache
from backend.state.packed_predictions import PackedPrediction
from models.interactive.base import Prediction
from models.metrics import iou
from models.prompts import Box, Click, Prompts
from models.regions import Region

_EACH_FROM_THE_LAST = 32
_SAME_OBJECT = 0.5
"""IoU from which two masks are about one object."""


@dataclass(frozen=True)
class ClickChain:
    """The steps towards one object.

    Attributes:
        model_version: Version of the interactive model.
        image_digest: SHA-256 of the encoded picture.
        steps: The strokes' clicks that each step adds, oldest first; the first may be empty beside a box.
        box: A rectangle around the object, part of every step.
        start: The object to be corrected, None to start anew.
        start_is_certain: Whether it is meant even if the first step alone would mean something else.
    """

    model_version: str
    image_digest: str
    steps: tuple[tuple[Click, ...], ...]
    box: Box | None = None
    start: Region | None = None
    start_is_certain: bool = True

    def prompts(self, number: int) -> Prompts:
        """What is known at a step, 1 being the first."""
        return Prompts(tuple(click for step in self.steps[:number] for click in step), self.box)

    def key(self, number: int) -> bytes:
        """Digest of everything that the answer of a step depends on."""
        content = (
            self.model_version,
            self.image_digest,
            self.box,
            _digest(self.start),
            self.start_is_certain,
            [[(click.row, click.column, click.positive) for click in step] for step in self.steps[:number]],
        )
        return hashlib.sha256(repr(content).encode()).digest()


@dataclass(frozen=True, eq=False)
class StepAnswer:
    """The answer of a step.

    Attributes:
        packed: What the model found.
        overlap: IoU with the mask that the step saw, None if it saw none.
    """

    packed: PackedPrediction
    overlap: float | None

    @property
    def nbytes(self) -> int:
        """Memory it holds, for the byte-bounded cache."""
        return self.packed.nbytes


MaskCache: TypeAlias = ByteCache[bytes, StepAnswer]
"""Keyed by `ClickChain.key`."""


def strokes_of(clicks: Sequence[Click], ids: Sequence[str]) -> tuple[tuple[Click, ...], ...]:
    """Divide clicks into strokes.

    Args:
        clicks: Oldest first.
        ids: The id of each click's prompt; clicks whose ids are not all known are strokes of their own.
    """
    if len(ids) != len(clicks):
        return tuple((click,) for click in clicks)
    pairs = groupby(zip(ids, clicks, strict=True), key=lambda pair: pair[0])
    return tuple(tuple(click for _, click in stroke) for _, stroke in pairs)


def steps_of(strokes: Sequence[tuple[Click, ...]], box: Box | None) -> tuple[tuple[Click, ...], ...]:
    """Divide strokes into steps, of which the first says where the object is.

    Returns:
        At least one step. Nothing positive at all makes one step that no model accepts.
    """
    if box is not None:
        return ((), *strokes)
    first = next((i for i, stroke in enumerate(strokes) if any(c.positive for c in stroke)), len(strokes))
    begin = tuple(click for stroke in strokes[: first + 1] for click in stroke)
    return (begin, *strokes[first + 1 :])


def previous_step(number: int) -> int:
    """The step whose answer a step sees, 1 being the first; 0 is the start."""
    if number <= _EACH_FROM_THE_LAST:
        return number - 1
    return 1 << (number - 1).bit_length() - 1


def replay(
    chain: ClickChain,
    size_hw: tuple[int, int],
    cache: MaskCache,
    segment: Callable[[Prompts, Prediction | None], Prediction],
) -> StepAnswer:
    """Answer the last step of a chain, from the latest one that is cached.

    Args:
        chain: The clicks.
        size_hw: Height and width of the picture in pixels.
        cache: Answers of steps.
        segment: Calls the model, with the prompts of a step and what it sees.

    Raises:
        PromptError: The model cannot use the prompts.
    """

    def step(number: int) -> StepAnswer:
        return cache.get_or_create(chain.key(number), lambda: compute(number))

    def compute(number: int) -> StepAnswer:
        prompts, seen = chain.prompts(number), see(previous_step(number))
        if number == 1 and seen is not None and not chain.start_is_certain:
            anew = segment(prompts, None)
            if iou(anew.mask, seen.mask) < _SAME_OBJECT:
                return StepAnswer(PackedPrediction.pack(anew), None)
        found = segment(prompts, seen)
        overlap = None if seen is None else iou(found.mask, seen.mask)
        return StepAnswer(PackedPrediction.pack(found), overlap)

    def see(number: int) -> Prediction | None:
        if number:
            return step(number).packed.unpack()
        return None if chain.start is None else Prediction(chain.start.full_mask(size_hw), 1.0)

    return step(len(chain.steps))


def _digest(start: Region | None) -> str | None:
    if start is None:
        return None
    content = repr(start.box).encode() + np.packbits(start.mask).tobytes()
    return hashlib.sha256(content).hexdigest()
