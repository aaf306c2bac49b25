"""Answers of interactive models, small enough to keep many."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.interactive.base import Prediction
from models.regions import Region

_OVERHEAD = 512
"""Bytes of the objects around the arrays, with the key."""


@dataclass(frozen=True, eq=False)
class PackedPrediction:
    """A prediction, with one bit for each pixel around the object. May be shared between threads.

    Attributes:
        size_hw: Height and width of the picture in pixels.
        box: (top, left, bottom, right) of the object, the last two exclusive; empty without an object.
        bits: The mask inside the box, row by row, eight pixels in a byte.
        score: Of the prediction.
        logits: Of the prediction.
    """

    size_hw: tuple[int, int]
    box: tuple[int, int, int, int]
    bits: NDArray[np.uint8]
    score: float
    logits: NDArray[np.float32] | None

    @classmethod
    def pack(cls, prediction: Prediction) -> PackedPrediction:
        """Copy what a prediction says."""
        height, width = prediction.mask.shape
        region = Region.from_mask(prediction.mask)
        return cls(
            (height, width),
            (0, 0, 0, 0) if region is None else region.box,
            np.empty(0, np.uint8) if region is None else np.packbits(region.mask),
            prediction.score,
            None if prediction.logits is None else np.array(prediction.logits, order="C"),
        )

    def unpack(self) -> Prediction:
        """Return the prediction, equal to the one packed; its arrays belong to the caller."""
        mask = np.zeros(self.size_hw, dtype=bool)
        top, left, bottom, right = self.box
        shape = bottom - top, right - left
        crop = np.unpackbits(self.bits, count=shape[0] * shape[1]).view(np.bool_)
        mask[top:bottom, left:right] = crop.reshape(shape)
        return Prediction(mask, self.score, None if self.logits is None else self.logits.copy())

    @property
    def nbytes(self) -> int:
        """Memory it holds, for the byte-bounded cache."""
        return self.bits.nbytes + (0 if self.logits is None else self.logits.nbytes) + _OVERHEAD
