"""Random changes of training crops that keep the truth true."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from models.arrays import Image, Mask
from models.training.crops import Crop

Rng = np.random.Generator
Values = NDArray[np.floating[Any]]


def augment(crop: Crop, rng: Rng) -> Crop:
    """Mirror, turn, and change colours, contrast and sharpness at random."""
    image, objects, valid = crop.image, crop.objects, crop.valid
    if rng.random() < 0.5:
        image, objects, valid = image[:, ::-1], objects[..., ::-1], valid[:, ::-1]
    turns = int(rng.choice(4, p=[0.7, 0.1, 0.1, 0.1]))
    image, objects, valid = np.rot90(image, turns), np.rot90(objects, turns, (1, 2)), np.rot90(valid, turns)
    image = _repainted(np.ascontiguousarray(image), rng)
    image[~valid] = 0
    return Crop(image, np.ascontiguousarray(objects), np.ascontiguousarray(valid))


def _repainted(image: Image, rng: Rng) -> Image:
    values: Values = image.astype(np.float32)
    if rng.random() < 0.8:
        gain, shift = rng.uniform(0.6, 1.5), rng.uniform(-45, 45)
        values = (values - 128) * gain + 128 + shift
    if rng.random() < 0.4:
        values = values * rng.uniform(0.75, 1.25, 3)
    values = np.clip(values, 0, 255)
    if rng.random() < 0.3:
        values = 255 * (values / 255) ** np.exp(rng.uniform(-0.6, 0.6))
    return _resharpened(_recoloured(values, rng).astype(np.float32), rng)


def _recoloured(values: Values, rng: Rng) -> Values:
    chance = rng.random()
    if chance < 0.12:
        values = np.repeat(values.mean(axis=2, keepdims=True), 3, axis=2)
    elif chance < 0.2:
        values = values[:, :, rng.permutation(3)]
    return 255 - values if rng.random() < 0.08 else values


def _resharpened(values: Values, rng: Rng) -> Image:
    chance = rng.random()
    if chance < 0.15:
        values = _blurred(values, rng.uniform(0.4, 2.0))
    elif chance < 0.22:
        values = 2 * values - _blurred(values, rng.uniform(0.8, 2.0))
    if rng.random() < 0.2:
        values = values + rng.normal(0, rng.uniform(2, 14), values.shape)
    return np.clip(values, 0, 255).astype(np.uint8)


def _blurred(values: Values, sigma: float) -> Values:
    return np.asarray(cv2.GaussianBlur(values, (0, 0), sigma))


def paste_object(onto: Crop, other: Crop, rng: Rng) -> Crop:
    """Put the first object of one crop, moved, in front of another crop; it becomes its first object.

    Source: Ghiasi et al., "Simple copy-paste is a strong data augmentation method", CVPR 2021, section 3.
    """
    side = onto.image.shape[0]
    scale = rng.uniform(0.5, 1.1)
    right, down = rng.uniform(-0.2, 1.2 - scale, 2) * side
    move = np.array([[scale, 0, right], [0, scale, down]])
    alpha = cv2.warpAffine(other.objects[0].astype(np.float32), move, (side, side))
    pasted = (alpha > 0.5) & onto.valid
    if pasted.sum() < 64:
        return onto
    front = cv2.warpAffine(other.image, move, (side, side)).astype(np.float32)
    soft = cv2.GaussianBlur(alpha, (0, 0), 0.7)[:, :, None]
    image = (soft * front + (1 - soft) * onto.image).astype(np.uint8)
    image[~onto.valid] = 0
    behind = onto.objects & ~pasted
    keep = behind.sum(axis=(1, 2)) >= 64
    objects: Mask = np.concatenate([pasted[None], behind[keep]])[: max(1, len(onto.objects))]
    return Crop(image, objects, onto.valid)
