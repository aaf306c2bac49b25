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
