"""An endless stream of training crops, and their batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from models.arrays import Image, Mask
from models.masks import components
from models.training.augmentation import augment, paste_object
from models.training.crops import Crop, Labels, take_crop
from models.training.drawings import draw
from models.training.recipe import Mixture, Source

_DRAWN_SIDE = 320
_OBJECTS_PER_CROP = 2


@dataclass(frozen=True, eq=False)
class Batch:
    """Crops and the objects in them.

    Attributes:
        images: (B, 3, S, S) uint8 RGB.
        objects: (K, 1, S, S) bool.
        owners: (K,): which crop each object lies in.
        valid: (K, 1, S, S) bool: pixels that count.
    """

    images: Tensor
    objects: Tensor
    owners: Tensor
    valid: Tensor

    @classmethod
    def of(cls, crops: Sequence[Crop]) -> Batch:
        """Put crops of one size together."""
        owners = torch.cat([torch.full((len(crop.objects),), index) for index, crop in enumerate(crops)])
        images = torch.from_numpy(np.stack([crop.image for crop in crops])).permute(0, 3, 1, 2)
        objects = torch.from_numpy(np.concatenate([crop.objects for crop in crops]))[:, None]
        valid = torch.from_numpy(np.stack([crop.valid for crop in crops]))[owners][:, None]
        return cls(images, objects, owners, valid)

    def to(self, device: torch.device) -> Batch:
        """The same on a device."""
        return Batch(*(part.to(device) for part in (self.images, self.objects, self.owners, self.valid)))

    @property
    def inputs(self) -> Tensor:
        """What the network takes: (B, 3, S, S) in [-1, 1]."""
        return (self.images.float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)

    def ious(self, masks: Tensor) -> Tensor:
        """IoU of masks, (K, 1, S, S) bool, with the objects, where the pixels count, (K,)."""
        found, meant = masks & self.valid, self.objects & self.valid
        return (found & meant).sum((1, 2, 3)) / (found | meant).sum((1, 2, 3)).clamp_min(1)


class Pictures(Protocol):
    """Where crops come from."""

    def draw(self, rng: np.random.Generator) -> tuple[Image, Labels, Mask | None]:
        """Choose a picture.

        Returns:
            The picture, (H, W, 3) RGB, the numbers of its objects, (H, W), and which pixels are unknown.
        """


class FolderPictures:
    """Random pictures of folders.

    Args:
        sources: The folders, and how they are used.
        held_out: Take the validation pictures.
    """

    def __init__(self, sources: Sequence[Source], *, held_out: bool = False) -> None:
        self._pools = [(s, s.held_out if held_out else s.stems) for s in sources]
        self._pools = [(source, stems) for source, stems in self._pools if stems]
        weights = np.array([source.weight for source, _ in self._pools])
        self._shares = weights / weights.sum()

    def draw(self, rng: np.random.Generator) -> tuple[Image, Labels, Mask | None]:
        """Read a picture; see `Pictures`."""
        source, stems = self._pools[rng.choice(len(self._pools), p=self._shares)]
        sample = source.folder.read(stems[rng.integers(len(stems))])
        labels = sample.truth.labels
        if rng.random() < source.use.whole_share:
            labels = components(labels > 0)[0]
        return sample.image, labels, sample.truth.ignored


class CropStream(IterableDataset[Crop]):
    """Random crops of random pictures, without end; each worker and each seed has its own.

    Args:
        pictures: Where the crops come from.
        mixture: How they are mixed and changed; None leaves them as they are, for validation.
        side: Of the crops, in pixels.
        seed: Of all choices.
    """

    def __init__(self, pictures: Pictures, mixture: Mixture | None, *, side: int, seed: int) -> None:
        self._pictures = pictures
        self._mixture = mixture
        self._side = side
        self._seed = seed

    def __iter__(self) -> Iterator[Crop]:
        worker = get_worker_info()
        rng = np.random.default_rng([self._seed, worker.id if worker else 0])
        cv2.setNumThreads(1)
        while True:
            yield self._draw(rng)

    def draw_for(self, step: int, count: int) -> list[Crop]:
        """The crops of a step, which are the same whenever and wherever it is made."""
        rng = np.random.default_rng((self._seed, step))
        return [self._draw(rng) for _ in range(count)]

    def _draw(self, rng: np.random.Generator) -> Crop:
        crop = self._crop(rng)
        if self._mixture is None:
            return crop
        if rng.random() < self._mixture.paste_share:
            crop = paste_object(crop, self._crop(rng), rng)
        return augment(crop, rng)

    def _crop(self, rng: np.random.Generator) -> Crop:
        while True:
            image, labels, ignored = self._picture(rng)
            crop = take_crop(image, labels, ignored, side=self._side, max_objects=_OBJECTS_PER_CROP, rng=rng)
            if crop is not None:
                return crop

    def _picture(self, rng: np.random.Generator) -> tuple[Image, Labels, Mask | None]:
        if self._mixture is not None and rng.random() < self._mixture.drawn_share:
            return *draw(_DRAWN_SIDE, rng), None
        return self._pictures.draw(rng)
