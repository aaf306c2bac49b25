"""From drawn boxes to masks, so that projects that draw boxes train masks.

The interactive model is given the box, as an annotator's smart rectangle is. A mask that fills less than a
fifth of what was drawn is not believed, and the box stays. Masks are kept on disk, by the version of
the model, the digest of the picture and the box: the next training does not pay for them again.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from backend.labelstudio.images import TaskImage
from backend.services.encoding import AnyInteractiveModel
from models.arrays import Mask
from models.interactive.base import Embedding
from models.prompts import Box, Prompts
from models.regions import Region
from models.training.atomic_files import write_atomically

LEAST_FILLED = 0.2


class BoxMasks:
    """Turns boxes into masks. Used by one thread; processes may share the folder.

    Args:
        folder: Where masks are kept; made when needed. It may be deleted at any time.
        model: Returns the loaded interactive model, the same each time; called when there is a box.
    """

    def __init__(self, folder: Path, model: Callable[[], AnyInteractiveModel]) -> None:
        self._folder = folder
        self._model = model

    def of_boxes(self, image: TaskImage, boxes: list[Region]) -> list[Region]:
        """The objects in the boxes.

        Args:
            image: The picture.
            boxes: Drawn rectangles, upright or turned, which lie in the picture.

        Returns:
            For each box the part of it that the model found, or the box.

        Raises:
            TrainingRunError: A mask cannot be written to the folder.
            WeightsError: The model cannot be loaded.
            WeightsNotFoundError: Its weights are missing.
        """
        encoded: list[Embedding] = []  # once, when the first mask is missing
        return [self._object(image, box, encoded) for box in boxes]

    def _object(self, image: TaskImage, box: Region, encoded: list[Embedding]) -> Region:
        path = self._path(image, box)
        mask = _kept(path, box.mask.shape)
        if mask is None:
            mask = self._segment(image, box, encoded)
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, zlib.compress(np.packbits(mask).tobytes()))
        found = box.with_mask(mask & box.mask)
        return found if found is not None and found.area >= LEAST_FILLED * box.area else box

    def _segment(self, image: TaskImage, box: Region, encoded: list[Embedding]) -> Mask:
        """The object's mask in the crop of the box, (h, w)."""
        model = self._model()
        if not encoded:
            encoded.append(model.encode(image.pixels))
        top, left, bottom, right = box.box
        prediction = model.segment(encoded[0], Prompts(box=Box(top, left, bottom, right)))
        return prediction.mask[top:bottom, left:right]

    def _path(self, image: TaskImage, box: Region) -> Path:
        edges = "-".join(str(edge) for edge in box.box)
        return self._folder / self._model().version / image.digest[:2] / f"{image.digest}-{edges}"


def _kept(path: Path, shape: tuple[int, ...]) -> Mask | None:
    """The mask of a file; None if there is none, or not all of it."""
    try:
        bits = np.frombuffer(zlib.decompress(path.read_bytes()), dtype=np.uint8)
    except (FileNotFoundError, zlib.error):
        return None
    size = shape[0] * shape[1]
    if bits.size != -(-size // 8):
        return None
    return np.unpackbits(bits, count=size).reshape(shape).astype(bool)
