"""Annotated pictures at the size that a pre-labeller works at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.arrays import Image
from models.label_schema import LabelSchema, Question
from models.masks import distance_inside
from models.prelabel.working_size import resized, working_size
from models.regions import Region
from models.training.examples import Example

UNKNOWN = 255
"""Class of pixels about which nothing is known."""
SIDES = (192, 256, 384, 512)
"""Longer sides to choose from, in pixels."""
_SEVERAL = 0.2
_TYPICAL_OBJECT = 18.0
"""Objects of half of this size are just seen at stride 4; diameter in pixels of the working size."""


@dataclass(frozen=True, eq=False)
class Sample:
    """A picture as the trainer takes it.

    Attributes:
        key: See `Example`.
        group: See `Example`.
        image: (h, w, 3) RGB.
        classes: Of each pixel, (h, w): 0 = background, 1 = the schema's first class, ..., 255 = unknown.
        depth: How deep inside its object each pixel is, (h, w): 0 = outside, 255 = the innermost point.
        answers: For each question of the schema a vector of 0 and 1, or None if nobody answered.
    """

    key: str
    group: str
    image: Image
    classes: NDArray[np.uint8]
    depth: NDArray[np.uint8]
    answers: tuple[NDArray[np.float32] | None, ...]

    @property
    def is_marked(self) -> bool:
        """Whether the class of any pixel is known; not so if people were only asked questions."""
        return bool((self.classes != UNKNOWN).any())

    @cached_property
    def shows_objects(self) -> bool:
        """Whether people marked an object in it."""
        return bool(((self.classes > 0) & (self.classes != UNKNOWN)).any())


def working_side(sizes_hw: Sequence[tuple[int, int]], regions: Sequence[Sequence[Region]]) -> int:
    """The smallest of `SIDES` at which the typical object is large enough to be seen.

    Args:
        sizes_hw: Height and width of each picture.
        regions: The objects in each picture.
    """
    shares = [
        np.sqrt(region.area) / max(size)
        for size, group in zip(sizes_hw, regions, strict=True)
        for region in group
    ]
    if not shares:
        return SIDES[0]
    typical = float(np.quantile(shares, 0.3))
    return next((side for side in SIDES if side * typical >= _TYPICAL_OBJECT), SIDES[-1])


def prepared(example: Example, image: Image, schema: LabelSchema, side: int) -> Sample:
    """Bring an example to the working size.

    Where objects overlap, the smaller one is in front. Objects of classes that the schema does not have
    become unknown.

    Args:
        example: What people said.
        image: Its picture, (H, W, 3).
        schema: Classes and questions, in the order of the network's channels.
        side: Longer side of the result in pixels.
    """
    full_hw = (image.shape[0], image.shape[1])
    size_hw = working_size(full_hw, side)
    small = resized(image, size_hw)
    answers = tuple(_answer_vector(example, question) for question in schema.questions)
    if example.regions is None:
        unknown = np.full(size_hw, UNKNOWN, dtype=np.uint8)
        return Sample(example.key, example.group, small, unknown, np.zeros(size_hw, np.uint8), answers)
    objects = sorted(example.regions, key=lambda region: region.area, reverse=True)
    labels = _painted(objects, full_hw, size_hw)
    numbers = {name: index for index, name in enumerate(schema.classes, start=1)}
    by_object = np.array([0, *(numbers.get(each.class_name, UNKNOWN) for each in objects)], dtype=np.uint8)
    return Sample(example.key, example.group, small, by_object[labels], _depth(labels), answers)


def _answer_vector(example: Example, question: Question) -> NDArray[np.float32] | None:
    chosen = example.answers.get(question.name)
    if chosen is None:
        return None
    return np.array([answer in chosen for answer in question.answers], dtype=np.float32)


def _painted(
    objects: Sequence[Region], full_hw: tuple[int, int], size_hw: tuple[int, int]
) -> NDArray[np.int32]:
    """Number of each pixel's object at the working size, (h, w), the last object in front."""
    labels = np.zeros(full_hw, dtype=np.int32)
    for number, region in enumerate(objects, start=1):
        region.paint(labels, number)
    return np.asarray(cv2.resize(labels, size_hw[::-1], interpolation=cv2.INTER_NEAREST_EXACT))


def _depth(labels: NDArray[np.int32]) -> NDArray[np.uint8]:
    depth = np.zeros(labels.shape, dtype=np.uint8)
    for number, place in enumerate(ndimage.find_objects(labels), start=1):
        if place is not None:
            mask = labels[place] == number
            distance = distance_inside(mask)
            depth[place][mask] = (255 * distance / distance.max())[mask].astype(np.uint8)
    return depth


def countable_classes(objects: Sequence[Sequence[Region]], schema: LabelSchema) -> frozenset[str]:
    """Classes of which people mark each object by itself: a fifth of the pictures that show one show more.

    Args:
        objects: The objects in each picture.
        schema: The classes.
    """
    countable = set()
    for name in schema.classes:
        counts = [sum(region.class_name == name for region in regions) for regions in objects]
        shown = [count for count in counts if count]
        if shown and sum(count > 1 for count in shown) >= _SEVERAL * len(shown):
            countable.add(name)
    return frozenset(countable)
