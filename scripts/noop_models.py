"""Models that do nothing: with them, all the time of an answer is the service's own."""

from __future__ import annotations

from typing import ClassVar

import cv2
import numpy as np

from models.arrays import Image, Mask
from models.interactive.base import Embedding, InteractiveModel, Prediction
from models.prelabel.base import PreLabeller, PreLabels
from models.prompts import Prompts
from models.regions import Region


def _disc(height: int, width: int) -> Mask:
    canvas = np.zeros((height, width), np.uint8)
    cv2.circle(canvas, (width // 2, height // 2), min(height, width) // 6, 1, -1)
    return canvas.astype(bool)


class NoOpInteractive(InteractiveModel[Embedding]):
    """Whatever the clicks, the object is a disc in the middle. Stateless; may be shared between threads."""

    name: ClassVar[str] = "no-op"
    version = "no-op-1"

    def encode(self, image: Image) -> Embedding:
        """Remember the size; see the base class."""
        return Embedding((image.shape[0], image.shape[1]))

    def segment(
        self, embedding: Embedding, prompts: Prompts, previous: Prediction | None = None
    ) -> Prediction:
        """Return the disc; see the base class."""
        return Prediction(_disc(*embedding.size_hw), 1.0)


class NoOpPreLabeller(PreLabeller):
    """Every picture holds one object, a disc in the middle. Stateless; may be shared between threads."""

    name: ClassVar[str] = "no-op"
    version = "no-op-1"
    classes = ("object",)

    def predict(self, image: Image) -> PreLabels:
        """Return the disc; see the base class."""
        region = Region.from_mask(_disc(image.shape[0], image.shape[1]), "object")
        return PreLabels((region,) if region else (), (), 1.0)
