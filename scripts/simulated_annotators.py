"""People who click with more or less care, and stop sooner or later; how long they take is not simulated."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from backend.inspection.base import PromptStep
from models.arrays import Mask
from models.interactive.base import InteractiveModel, Prediction
from models.metrics import iou
from models.prompts import Click, Prompts
from models.regions import Region
from models.training.clickers import JitteredClicker
from models.training.samples import DataFolder


@dataclass(frozen=True)
class Annotator:
    """How somebody works.

    Attributes:
        content_at: Stops when the mask has this IoU with the object.
        patience: Most clicks.
        careless: Share of the clicks that go anywhere near the object, in [0, 1].
    """

    content_at: float
    patience: int
    careless: float

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> Annotator:
        """Somebody of any kind."""
        return cls(
            float(rng.uniform(0.4, 0.95)), int(rng.integers(1, 9)), float(rng.choice([0.0, 0.15, 0.4]))
        )


@dataclass(frozen=True, eq=False)
class Annotated:
    """What came of it.

    Attributes:
        steps: What the model was asked, and answered.
        region: The last answer; None if it is empty.
        iou: Of it with the object.
    """

    steps: tuple[PromptStep, ...]
    region: Region | None
    iou: float


def annotate(
    model: InteractiveModel[Any], embedding: Any, truth: Mask, annotator: Annotator, seed: int
) -> Annotated:
    """Let somebody click an object.

    Args:
        model: Loaded.
        embedding: What it made of the picture.
        truth: The object, (H, W); at least one pixel.
        annotator: How they work.
        seed: Of all chance.
    """
    rng = np.random.default_rng(seed)
    clicker = JitteredClicker(seed=seed)
    mask = np.zeros_like(truth)
    previous: Prediction | None = None
    clicks: list[Click] = []
    steps: list[PromptStep] = []
    while len(clicks) < annotator.patience and (not clicks or iou(mask, truth) < annotator.content_at):
        click = clicker.next_click(mask, truth)
        if click is None:
            break
        careless = rng.random() < annotator.careless
        clicks.append(_anywhere_near(truth, rng, first=not clicks) if careless else click)
        prompts = Prompts(tuple(clicks))
        previous = model.segment(embedding, prompts, previous)
        overlap = iou(previous.mask, mask) if steps else None
        mask = previous.mask
        steps.append(PromptStep(0.0, prompts, int(mask.sum()), overlap))
    return Annotated(tuple(steps), Region.from_mask(mask), iou(mask, truth))


def pictures_to_annotate(folder: DataFolder, *, every: int, last: int | None) -> list[tuple[str, list[int]]]:
    """Every so-manieth object of a folder: names of pictures with the numbers of their objects."""
    pictures, number = [], 0
    for stem in folder.select(last=last):
        objects = folder.read_truth(stem).objects
        chosen = [index for index in range(len(objects)) if (number + index) % every == 0]
        number += len(objects)
        if chosen:
            pictures.append((stem, chosen))
    return pictures


def annotated_picture(
    model: InteractiveModel[Any], folder: DataFolder, picture: tuple[str, list[int]], seed: int
) -> Iterator[Annotated]:
    """Let somebody else click each of the objects.

    Args:
        model: Loaded.
        folder: Of the picture.
        picture: Its name and the numbers of its objects.
        seed: Of all chance.
    """
    stem, chosen = picture
    image, truth = folder.read_image(stem), folder.read_truth(stem)
    embedding = model.encode(image)
    for index in chosen:
        chance = np.random.default_rng([seed, zlib.crc32(stem.encode()), index])
        mask = truth.objects[index].full_mask((image.shape[0], image.shape[1]))
        yield annotate(model, embedding, mask, Annotator.drawn(chance), int(chance.integers(1 << 31)))


def _anywhere_near(truth: Mask, rng: np.random.Generator, *, first: bool) -> Click:
    """A click in or around the object, right or wrong; the first one says where the object is."""
    rows, columns = np.flatnonzero(truth.any(1)), np.flatnonzero(truth.any(0))
    margin = 0.3
    top, left = rows[0] - margin * len(rows), columns[0] - margin * len(columns)
    row = int(np.clip(rng.uniform(top, rows[-1] + margin * len(rows)), 0, truth.shape[0] - 1))
    column = int(np.clip(rng.uniform(left, columns[-1] + margin * len(columns)), 0, truth.shape[1] - 1))
    return Click(row, column, first or bool(rng.random() < 0.5))
