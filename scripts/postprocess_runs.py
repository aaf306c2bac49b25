"""Runs of scripts.evaluate_postprocess: damage the true masks of a picture, clean them, compare."""

from __future__ import annotations

import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.chain_text import build_chain
from models.masks import components
from models.postprocess import POST_PROCESSORS
from models.regions import Region, overlaps
from scripts.mask_noise import KINDS, damaged
from scripts.picture_sets import PictureSet

_LEAST_AREA = 30
"""Of a connected part of a class, in pixels; such masks hold crumbs that nobody drew."""


@dataclass(frozen=True)
class Protocol:
    """What all runs share.

    Attributes:
        pictures: Where they are.
        chains: Chains of post-processors, see `models.chain_text`.
        seed: Of the damage.
    """

    pictures: PictureSet
    chains: tuple[str, ...]
    seed: int


def measure(protocol: Protocol, stem: str) -> list[dict[str, Any]]:
    """Damage a picture's objects in each way and clean them with each chain.

    Returns:
        A row for each kind of damage and chain: the mean Dice of the true objects before and after, the
        number of true objects and of regions afterwards, and the time; none if the picture has no objects.
    """
    example = protocol.pictures.example(stem)
    truth = list(example.regions or ())
    if protocol.pictures.class_masks:
        truth = [part for region in truth for part in _parts(region)]
    if not truth:
        return []
    image = example.load_image()
    size_hw = (image.shape[0], image.shape[1])
    chains = {text: build_chain(POST_PROCESSORS, text) for text in protocol.chains}
    rows = []
    for kind in KINDS:
        seed = (protocol.seed, zlib.crc32(stem.encode()), zlib.crc32(kind.encode()))
        noisy = damaged(truth, size_hw, kind, seed)
        before = mean_dice(truth, noisy)
        for text, chain in chains.items():
            started = time.perf_counter()
            cleaned: list[Region] = noisy
            for step in chain:
                cleaned = step.process(cleaned, image)
            seconds = time.perf_counter() - started
            row: dict[str, Any] = {"stem": stem, "group": example.group, "damage": kind, "chain": text}
            row |= {"before": before, "after": mean_dice(truth, cleaned), "ms": 1e3 * seconds}
            rows.append(row | {"objects": len(truth), "regions": len(cleaned)})
    return rows


def mean_dice(truth: Sequence[Region], found: Sequence[Region]) -> float:
    """The mean over the true objects of the best Dice with a region of the same class, in [0, 1]."""
    own, theirs = (np.array([region.class_name for region in regions]) for regions in (truth, found))
    shared = overlaps(truth, found) * (own[:, None] == theirs)
    best = shared.max(axis=1, initial=0)
    return float(np.mean(2 * best / (1 + best)))


def _parts(region: Region) -> list[Region]:
    """The connected parts of a class, each an object."""
    labels, areas = components(region.mask)
    parts = [region.with_mask(labels == number) for number in np.flatnonzero(areas[1:] >= _LEAST_AREA) + 1]
    return [part for part in parts if part is not None]
