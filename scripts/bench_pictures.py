"""Drawn pictures in a folder, and the clicks of annotators on their objects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import PIL.Image

from models.arrays import Image, Mask
from models.prompts import Click
from models.training.clickers import CentreClicker, JitteredClicker
from models.training.drawings import draw
from models.training.samples import Truth

_ENLARGED = 4
"""Pictures are drawn this many times smaller, because drawing large ones takes seconds."""
_SMALLEST_AREA = 600
_N_CELLS = (6, 14)


@dataclass(frozen=True)
class BenchPicture:
    """A picture and what annotators click in it.

    Attributes:
        number: Of its task.
        path: The file.
        size_hw: Height and width in pixels.
        objects: For each object the clicks on it, oldest first.
    """

    number: int
    path: Path
    size_hw: tuple[int, int]
    objects: tuple[tuple[Click, ...], ...]

    def read(self) -> Image:
        """The pixels, (H, W, 3) RGB, as the service reads them."""
        with PIL.Image.open(self.path) as file:
            return np.array(file.convert("RGB"))

    def requests(self) -> Iterator[tuple[Click, ...]]:
        """The clicks of every request in turn: those on the first object so far, then the next object's."""
        for clicks in self.objects:
            for number in range(1, len(clicks) + 1):
                yield clicks[:number]


def draw_pictures(folder: Path, count: int, size: int, seed: int = 0) -> Iterator[BenchPicture]:
    """Draw pictures of textured objects and write them as JPEG files.

    Args:
        folder: Where to; it exists.
        count: How many.
        size: Height and width in pixels.
        seed: Of the random generator.
    """
    for number in range(1, count + 1):
        random = np.random.default_rng((seed, number))
        objects: tuple[tuple[Click, ...], ...] = ()
        while not objects:
            image, labels = draw(max(32, size // _ENLARGED), random)
            rows = np.arange(size) * labels.shape[0] // size
            objects_drawn = Truth(labels[np.ix_(rows, rows)]).objects
            regions = [region for region in objects_drawn if region.area >= _SMALLEST_AREA]
            objects = tuple(_clicks(region.full_mask((size, size)), number) for region in regions[:3])
        path = folder / f"{number}.jpg"
        large = cv2.resize(image, (size, size), interpolation=cv2.INTER_CUBIC)
        PIL.Image.fromarray(large).save(path, quality=90)
        yield BenchPicture(number, path, (size, size), objects)


def draw_cells(size: int, seed: int) -> tuple[Image, list[Mask]]:
    """Draw two kinds of cells that only their colour tells apart; one of them is annotated.

    Args:
        size: Height and width in pixels.
        seed: Of the random generator.

    Returns:
        The picture, (size, size, 3), and the masks of the annotated cells.
    """
    rng = np.random.default_rng(seed)
    values = np.full((size, size, 3), (225.0, 215.0, 220.0))
    masks = []
    taken = np.zeros((size, size), dtype=bool)
    for _ in range(int(rng.integers(*_N_CELLS))):
        mask = np.zeros((size, size), dtype=np.uint8)
        centre = tuple(int(value) for value in rng.integers(size // 10, size - size // 10, 2))
        axes = tuple(int(value) for value in rng.uniform(size / 24, size / 10, 2))
        cv2.ellipse(mask, centre, axes, float(rng.uniform(0, 180)), 0, 360, 1, thickness=-1)
        inside = (mask > 0) & ~taken
        wanted = bool(rng.random() < 0.5)
        values[inside] = (150, 105, 75) if wanted else (110, 115, 160)
        taken |= inside
        if wanted:
            masks.append(inside)
    values += cv2.GaussianBlur(rng.normal(0, 60, values.shape), (0, 0), size / 200)
    return np.clip(values + rng.normal(0, 6, values.shape), 0, 255).astype(np.uint8), masks


def _clicks(truth: Mask, seed: int) -> tuple[Click, ...]:
    """On an object: its centre, another place in it, one beside it, one in it again."""
    nothing, everything = np.zeros_like(truth), np.ones_like(truth)
    jittered = JitteredClicker(seed=seed)
    clicks = [
        CentreClicker().next_click(nothing, truth),
        jittered.next_click(nothing, truth),
        jittered.next_click(everything, truth),
        jittered.next_click(nothing, truth),
    ]
    return tuple(click for click in clicks if click is not None)
