"""Batches of randomly changed pictures for the training of a pre-labeller."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.arrays import Image
from models.prelabel.asking import network_input
from models.training.prelabel_samples import UNKNOWN, Sample

Rng = np.random.Generator

_MOST_TURN = 15.0
_SCALES = (0.8, 1.3)
_MARGIN = 0.2
"""Of a crop: the pixel of an object that it must show lies farther inside."""


@dataclass(frozen=True, eq=False)
class Batch:
    """B pictures with what is known about them.

    Attributes:
        images: (B, 3, S, S) in [-1, 1].
        classes: (B, S, S), as in `Sample`.
        depth: (B, 1, S, S) in [0, 1].
        answers: For each question the vectors (B, answers), and (B,) whether it was answered.
    """

    images: Tensor
    classes: Tensor
    depth: Tensor
    answers: list[tuple[Tensor, Tensor]]


def draw_batch(
    samples: Sequence[Sample],
    size: int,
    crop: int,
    rng: Rng,
    *,
    hard: bool = False,
    on_objects: float = 0.0,
) -> Batch:
    """Choose pictures at random and change each: mirrored, turned, scaled, shifted, other light.

    Args:
        samples: To choose from.
        size: Number of pictures.
        crop: Side of the result in pixels; what lies beside a picture is unknown.
        rng: Source of chance.
        hard: Spoil some pictures (blur, noise, contrast), so that segmentations go wrong.
        on_objects: How often a picture must show an object, and a crop of a larger picture one of its
            objects, in [0, 1].

    Source: of crops on objects, Isensee et al., "nnU-Net", Nature Methods 2021, where a third show one.
    """
    chosen = _chosen(samples, size, rng, on_objects)
    changed = [_changed(sample, crop, rng, hard=hard, on_objects=on_objects) for sample in chosen]
    answers = [
        _answers([sample.answers[number] for sample in chosen]) for number in range(len(chosen[0].answers))
    ]
    return Batch(
        torch.stack([network_input(image) for image, _, _ in changed]).contiguous(
            memory_format=torch.channels_last
        ),
        torch.from_numpy(np.stack([classes for _, classes, _ in changed])).long(),
        torch.from_numpy(np.stack([depth for _, _, depth in changed])).float()[:, None] / 255,
        answers,
    )


def _chosen(samples: Sequence[Sample], size: int, rng: Rng, on_objects: float) -> list[Sample]:
    """All samples are equally probable; only where too few show objects, those that do come more often."""
    showing = [sample for sample in samples if sample.shows_objects]
    n_showing = round(on_objects * size)
    if not showing or len(showing) >= on_objects * len(samples):
        return _any(samples, size, rng)
    return _any(showing, n_showing, rng) + _any(samples, size - n_showing, rng)


def _any(samples: Sequence[Sample], size: int, rng: Rng) -> list[Sample]:
    """No sample twice before all were drawn."""
    drawn = rng.permutation(len(samples))[:size]
    if len(drawn) < size:
        drawn = np.append(drawn, rng.integers(len(samples), size=size - len(drawn)))
    return [samples[index] for index in drawn]


def _changed(
    sample: Sample, crop: int, rng: Rng, *, hard: bool, on_objects: float
) -> tuple[Image, NDArray[np.uint8], NDArray[np.uint8]]:
    height, width = sample.classes.shape
    move = _random_move((height, width), crop, rng)
    if max(height, width) > crop and rng.random() < on_objects:
        move = _onto_object(move, sample.classes, crop, rng)
    image = cv2.warpAffine(sample.image, move, (crop, crop), flags=cv2.INTER_LINEAR)
    classes = cv2.warpAffine(sample.classes, move, (crop, crop), flags=cv2.INTER_NEAREST, borderValue=UNKNOWN)
    depth = cv2.warpAffine(sample.depth, move, (crop, crop), flags=cv2.INTER_NEAREST)
    return _repainted(np.asarray(image), rng, hard=hard), np.asarray(classes), np.asarray(depth)


def _random_move(size_hw: tuple[int, int], crop: int, rng: Rng) -> NDArray[np.float64]:
    """From the picture's (x, y) to the crop's."""
    height, width = size_hw
    scale = float(np.exp(rng.uniform(*np.log(_SCALES))))
    angle = rng.uniform(-_MOST_TURN, _MOST_TURN) if rng.random() < 0.7 else 0.0
    flip_x, flip_y = rng.choice([1, -1]), -1 if rng.random() < 0.3 else 1
    spare = [max(0.0, side * scale - crop) / 2 + 0.05 * crop for side in (width, height)]
    shift = rng.uniform(-1, 1, 2) * spare
    turn = cv2.getRotationMatrix2D((0, 0), angle, scale) @ np.diag([flip_x, flip_y, 1.0])
    centre = turn[:, :2] @ np.array([(width - 1) / 2, (height - 1) / 2])
    turn[:, 2] = (crop - 1) / 2 + shift - centre
    return np.asarray(turn, dtype=np.float64)


def _onto_object(
    move: NDArray[np.float64], classes: NDArray[np.uint8], crop: int, rng: Rng
) -> NDArray[np.float64]:
    """The same move, shifted so that a random pixel of an object lies inside the crop, if there is one."""
    places = np.flatnonzero((classes > 0) & (classes != UNKNOWN))
    if not len(places):
        return move
    row, column = np.unravel_index(places[rng.integers(len(places))], classes.shape)
    shifted = move.copy()
    shifted[:, 2] = rng.uniform(_MARGIN, 1 - _MARGIN, 2) * crop - move[:, :2] @ np.array([column, row])
    return shifted


def _repainted(image: Image, rng: Rng, *, hard: bool) -> Image:
    strength = 2.0 if hard else 1.0
    values = np.arange(256, dtype=np.float32)
    lookup: NDArray[np.floating[Any]] = np.stack([values] * 3, axis=1)
    if rng.random() < 0.7:
        lookup = (lookup - 128) * np.exp(rng.uniform(-0.2, 0.2) * strength) + 128
        lookup = lookup + rng.uniform(-20, 20) * strength
    if rng.random() < 0.4:
        lookup = lookup * rng.uniform(1 - 0.1 * strength, 1 + 0.1 * strength, 3)
    if rng.random() < 0.3:
        lookup = 255 * (np.clip(lookup, 0, 255) / 255) ** np.exp(rng.uniform(-0.25, 0.25) * strength)
    table = np.clip(lookup, 0, 255).astype(np.uint8)[:, None, :]
    painted = np.asarray(cv2.LUT(image, table), dtype=np.uint8)
    return _spoiled(painted, rng, chance=0.5 if hard else 0.1)


def _spoiled(image: Image, rng: Rng, chance: float) -> Image:
    values: NDArray[np.floating[Any]] = image.astype(np.float32)
    if rng.random() < chance:
        values = np.asarray(cv2.GaussianBlur(values, (0, 0), rng.uniform(0.5, 1 + 3 * chance)))
    if rng.random() < chance:
        values = values + rng.normal(0, rng.uniform(2, 8 + 24 * chance), values.shape).astype(np.float32)
    return np.clip(values, 0, 255).astype(np.uint8)


def _answers(vectors: Sequence[NDArray[np.float32] | None]) -> tuple[Tensor, Tensor]:
    length = next((len(vector) for vector in vectors if vector is not None), 1)
    filled = [np.zeros(length, np.float32) if vector is None else vector for vector in vectors]
    known = torch.tensor([vector is not None for vector in vectors])
    return torch.from_numpy(np.stack(filled)), known
