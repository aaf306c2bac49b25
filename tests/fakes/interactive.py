"""Interactive models that remember what they were asked, or do not answer until they are told to."""

from __future__ import annotations

import hashlib
import threading
from typing import ClassVar

import numpy as np

from models.arrays import Image
from models.interactive.base import Embedding, InteractiveModel, Prediction
from models.interactive.obedience import obey
from models.prompts import Prompts


class Recording(InteractiveModel[Embedding]):
    """Every answer looks random and depends on every bit of what the model is given.

    Attributes:
        encoded: Height and width of each picture, in order.
        asked: Prompts of each call, and whether it saw a previous answer.
    """

    name: ClassVar[str] = "recording"
    version: str = "recording-1"

    def __init__(self) -> None:
        self.encoded: list[tuple[int, int]] = []
        self.asked: list[tuple[Prompts, bool]] = []

    def encode(self, image: Image) -> Embedding:
        self.encoded.append((image.shape[0], image.shape[1]))
        return Embedding((image.shape[0], image.shape[1]))

    def segment(
        self, embedding: Embedding, prompts: Prompts, previous: Prediction | None = None
    ) -> Prediction:
        height, width = embedding.size_hw
        prompts.check((height, width))
        self.asked.append((prompts, previous is not None))
        seen = b"" if previous is None else previous.mask.tobytes() + repr(previous.score).encode()
        logits = b"" if previous is None or previous.logits is None else previous.logits.tobytes()
        digest = hashlib.sha256(repr(prompts).encode() + seen + logits).digest()
        random = np.random.default_rng(list(digest))
        blocks = random.random((8, 8)) < 0.5
        mask = obey(
            np.kron(blocks, np.ones((height // 8 + 1, width // 8 + 1), bool))[:height, :width], prompts
        )
        return Prediction(mask, float(random.random()), random.random((4, 4), dtype=np.float32))


class Gated(Recording):
    """Answers and encodes only when it is told to.

    Attributes:
        may_encode: Encoding waits for this.
        may_segment: Segmenting waits for this.
        encoding: Set once the first encoding has begun.
        segmenting: Set once the first segmenting has begun.
    """

    name: ClassVar[str] = "gated"
    version: str = "gated-1"

    def __init__(self) -> None:
        super().__init__()
        self.may_encode, self.may_segment = threading.Event(), threading.Event()
        self.encoding, self.segmenting = threading.Event(), threading.Event()

    def encode(self, image: Image) -> Embedding:
        self.encoding.set()
        assert self.may_encode.wait(60)
        return super().encode(image)

    def segment(
        self, embedding: Embedding, prompts: Prompts, previous: Prediction | None = None
    ) -> Prediction:
        self.segmenting.set()
        assert self.may_segment.wait(60)
        return super().segment(embedding, prompts, previous)
