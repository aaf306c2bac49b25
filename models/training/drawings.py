"""Procedurally drawn pictures: textured objects of random shape before a textured background."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from models.arrays import Image, Mask
from models.training.crops import Labels

Rng = np.random.Generator


def draw(side: int, rng: Rng) -> tuple[Image, Labels]:
    """Draw a picture, (S, S, 3), and the numbers of its objects, (S, S); later objects lie in front."""
    picture = texture(side, rng)
    labels = np.zeros((side, side), dtype=np.int32)
    similar = rng.random() < 0.4
    size = np.exp(rng.uniform(np.log(0.04), np.log(0.4)))
    shared = texture(side, rng)
    for number in range(1, int(rng.integers(1, 3 + round(1.2 / size))) + 1):
        mask = shape(side, size * rng.uniform(0.6, 1.6) * side, rng)
        filling = np.roll(shared, tuple(rng.integers(0, side, 2)), (0, 1)) if similar else texture(side, rng)
        soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), rng.uniform(0.3, 1.6))[:, :, None]
        shading = 1 + rng.uniform(-0.3, 0.3) * _noise(side, 8, rng)[:, :, None]
        picture = soft * np.clip(filling * shading, 0, 255) + (1 - soft) * picture
        labels[mask] = number
    return np.clip(picture, 0, 255).astype(np.uint8), labels


def texture(side: int, rng: Rng) -> NDArray[np.float32]:
    """Two colours mixed by smooth noise, stripes or grains, (S, S, 3) in [0, 255]."""
    first, second = rng.uniform(0, 255, (2, 3))
    second = first + (second - first) * rng.uniform(0.05, 0.6)
    kind = rng.integers(4)
    if kind == 0:
        mix = _noise(side, int(rng.integers(2, 40)), rng)
    elif kind == 1:
        rows, columns = np.mgrid[:side, :side]
        angle, period = rng.uniform(0, np.pi), rng.uniform(4, 40)
        mix = np.sin(2 * np.pi * (rows * np.sin(angle) + columns * np.cos(angle)) / period)
        mix = mix + 0.5 * _noise(side, 6, rng)
    elif kind == 2:
        mix = np.sign(_noise(side, int(rng.integers(4, 60)), rng))
    else:
        mix = rng.uniform(-1, 1) + 0.2 * _noise(side, 3, rng)
    weight = np.clip(0.5 + 0.5 * mix, 0, 1)[:, :, None]
    grains = rng.normal(0, rng.uniform(0, 12), (side, side, 1))
    return np.asarray(first * weight + second * (1 - weight) + grains, dtype=np.float32)


def shape(side: int, diameter: float, rng: Rng) -> Mask:
    """A filled outline: a circle bent by a few waves, stretched and turned, or a polygon, (S, S)."""
    angles = np.linspace(0, 2 * np.pi, 96, endpoint=False)
    radius = np.ones_like(angles)
    for wave in range(2, int(rng.integers(3, 8))):
        radius += rng.normal(0, 0.35 / wave) * np.cos(wave * angles + rng.uniform(0, 2 * np.pi))
    radius = np.maximum(radius, 0.15) * diameter / 2
    points = np.stack([radius * np.cos(angles), radius * np.sin(angles) * rng.uniform(0.25, 1.0)], 1)
    if rng.random() < 0.3:
        points = points[np.sort(rng.choice(len(points), int(rng.integers(3, 8)), replace=False))]
    turn = rng.uniform(0, 2 * np.pi)
    points = points @ np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    points += rng.uniform(0, side, 2)
    filled = np.zeros((side, side), dtype=np.uint8)
    cv2.fillPoly(filled, [np.round(points).astype(np.int32)], 1)
    return filled.astype(bool)


def _noise(side: int, cells: int, rng: Rng) -> NDArray[np.float32]:
    """Smooth noise with zero mean and unit range, (S, S)."""
    coarse = rng.normal(0, 0.5, (cells + 2, cells + 2)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC))
