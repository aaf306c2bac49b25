from __future__ import annotations

import numpy as np

from models.arrays import Image, Mask
from models.postprocess.base import PostProcessor
from models.prompts import Click
from models.regions import Region

SIZE_HW = (80, 100)
ROWS, COLUMNS = np.mgrid[: SIZE_HW[0], : SIZE_HW[1]]
PLAIN = np.full((*SIZE_HW, 3), 90, dtype=np.uint8)


def disc(row: float, column: float, radius: float) -> Mask:
    return np.asarray(np.hypot(ROWS - row, COLUMNS - column) < radius)


def box(top: int, left: int, bottom: int, right: int) -> Mask:
    return np.asarray((ROWS >= top) & (ROWS < bottom) & (COLUMNS >= left) & (COLUMNS < right))


def trembling_disc(row: float, column: float, radius: float) -> Mask:
    """A disc with an outline that jumps by two pixels to both sides."""
    noise = np.random.default_rng(0).uniform(-2, 2, SIZE_HW)
    return np.asarray(np.hypot(ROWS - row, COLUMNS - column) + noise < radius)


def picture_of(mask: Mask) -> Image:
    """Something light before something dark, a little blurred and noisy."""
    noise = np.random.default_rng(1).normal(0, 4, (*SIZE_HW, 3))
    return np.asarray(np.where(mask[:, :, None], (190, 150, 120), (60, 70, 80)) + noise).astype(np.uint8)


def region_of(mask: Mask, class_name: str = "thing", score: float = 0.7) -> Region:
    region = Region.from_mask(mask, class_name, score)
    assert region is not None
    return region


def processed(processor: PostProcessor, *masks: Mask, clicks: tuple[Click, ...] = ()) -> list[Mask]:
    regions = processor.process([region_of(mask) for mask in masks], PLAIN, clicks)
    return [region.full_mask(SIZE_HW) for region in regions]
