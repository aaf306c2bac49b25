"""A chain of post-processors on the objects of a picture, and what each step did to which object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.arrays import Image, Mask
from models.masks import components
from models.postprocess.base import PostProcessor, covered_by
from models.regions import Region, overlaps


@dataclass(frozen=True, eq=False)
class CleanedRegion:
    """An object after the chain.

    Attributes:
        region: Its pixels.
        source: Place of the object that it came from among those before the chain.
        notes: What was done to it, a phrase for each step that changed it.
    """

    region: Region
    source: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class StepChange:
    """What a step did to the objects of a class in a picture.

    Attributes:
        step: Name of the post-processor.
        class_name: The class.
        before: Number of objects before the step.
        after: And after it.
        changed: How many of those before it are not there any more as they were.
        added: Pixels that belong to the class after it only.
        removed: Pixels that belonged to the class before it only.
        iou: Mean over the objects before it of the overlap with what became of each, in [0, 1].
    """

    step: str
    class_name: str
    before: int
    after: int
    changed: int
    added: int
    removed: int
    iou: float


def clean_regions(
    regions: Sequence[Region], image: Image, chain: Sequence[PostProcessor]
) -> tuple[list[CleanedRegion], list[StepChange]]:
    """Clean the objects of a picture.

    Args:
        regions: The objects.
        image: (H, W, 3) RGB.
        chain: The steps in order.

    Returns:
        The objects afterwards, and for each step and class with objects what it did.
    """
    current = [CleanedRegion(region, place) for place, region in enumerate(regions)]
    changes: list[StepChange] = []
    for step in chain:
        before = [each.region for each in current]
        after = step.process(before, image)
        changes += _changes(step.name, before, after, (image.shape[0], image.shape[1]))
        current = _followed(step.name, current, after)
    return current, changes


def largest_change(regions: Sequence[Region], cleaned: Sequence[CleanedRegion]) -> float:
    """How little what became of an object overlaps with it at worst: the largest 1 - IoU, in [0, 1]."""
    kept = overlaps(regions, [each.region for each in cleaned]).max(axis=1, initial=0)
    return float(1 - kept.min(initial=1))


def _followed(step: str, current: Sequence[CleanedRegion], after: Sequence[Region]) -> list[CleanedRegion]:
    """Find out where each object came from, and say what happened to it."""
    shared = overlaps([each.region for each in current], after)
    if not shared.size:
        return []
    sources = shared.argmax(axis=0)
    heirs = np.where(shared.any(axis=1), shared.argmax(axis=1), -1)
    heirs[sources] = -1
    found = []
    for place, (region, source) in enumerate(zip(after, sources, strict=True)):
        own = current[source]
        if region.same_pixels(own.region):
            found.append(CleanedRegion(own.region, own.source, own.notes))
        else:
            n_parts, n_joined = np.count_nonzero(sources == source), np.count_nonzero(heirs == place)
            text = _phrase(own.region, region, n_parts, n_joined)
            found.append(CleanedRegion(region, own.source, (*own.notes, f"{step}: {text}")))
    return found


def _phrase(before: Region, after: Region, n_parts: int, n_joined: int) -> str:
    if n_parts > 1:
        return f"one of {n_parts} parts"
    if n_joined:
        return f"joined with {n_joined} more"
    top, left = min(before.top, after.top), min(before.left, after.left)
    bottom, right = max(before.box[2], after.box[2]), max(before.box[3], after.box[3])
    was, now = (
        covered_by([Region(each.mask, each.top - top, each.left - left)], (bottom - top, right - left)) > 0
        for each in (before, after)
    )
    parts = [_counted("removed", was & ~now), _counted("added", now & ~was)]
    return ", ".join(part for part in parts if part)


def _counted(what: str, pixels: Mask) -> str:
    if not pixels.any():
        return ""
    n_places = len(components(pixels)[1]) - 1
    return f"{np.count_nonzero(pixels)} px {what} in {n_places} place{'s' if n_places > 1 else ''}"


def _changes(
    step: str, before: Sequence[Region], after: Sequence[Region], size_hw: tuple[int, int]
) -> list[StepChange]:
    found = []
    for name in dict.fromkeys(region.class_name for region in before):
        was = [region for region in before if region.class_name == name]
        now = [region for region in after if region.class_name == name]
        kept = overlaps(was, now).max(axis=1, initial=0)
        changed = int(np.count_nonzero(kept < 1))
        added = removed = 0
        if changed:
            pixels_before, pixels_after = covered_by(was, size_hw) > 0, covered_by(now, size_hw) > 0
            added = int(np.count_nonzero(pixels_after & ~pixels_before))
            removed = int(np.count_nonzero(pixels_before & ~pixels_after))
        iou = float(kept.mean())
        found.append(StepChange(step, name, len(was), len(now), changed, added, removed, iou))
    return found
