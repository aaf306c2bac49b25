"""Regions of one frame of a sequence, moved to where their objects are in another frame.

Each pixel of the new frame looks up, by optical flow, where it was in the old one, and belongs to an object
if it was inside it there. So nothing tears: masks are sampled, not scattered.

Source: Kroeger et al., "Fast Optical Flow using Dense Inverse Search", ECCV 2016, as in OpenCV (preset
medium). The check is that of Sundaram et al., "Dense Point Trajectories by GPU-accelerated Large Displacement
Optical Flow", ECCV 2010, section 3: a pixel that goes to the old frame and back must come out near where it
began.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from models.arrays import Image, Mask
from models.errors import ImageError
from models.prelabel.working_size import resized, working_size
from models.regions import Region

SIDE = 512
"""Longest side of the pictures that the flow is computed on; larger ones are made smaller."""
_SMALLEST_SIDE = 32  # OpenCV's flow needs a few of its 8-pixel patches
_RELATIVE_ERROR, _SQUARED_ERROR = 0.01, 0.5  # of the check: share of the squared motion, and squared pixels
_MARGIN = 2  # pixels at the flow's size, around everything that may come from a region

Flow = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class _Motion:
    """Where each pixel of the new frame was, at the flow's size.

    Attributes:
        backward: Way to where it was, (h, w, 2), as (rows, columns) in pixels of the flow's size.
        origins: Where it was, (2, h, w): all rows, then all columns.
        sure: 1 where the way back leads home, else 0, (h, w).
        scale: Flow's size over picture's size, for rows and columns.
    """

    backward: Flow
    origins: NDArray[np.float32]
    sure: NDArray[np.float32]
    scale: tuple[float, float]


def propagate(
    regions: Sequence[Region], from_image: Image, to_image: Image, *, side: int = SIDE
) -> tuple[Region, ...]:
    """Move regions along with what their pixels show.

    Args:
        regions: Objects of the first picture.
        from_image: (H, W, 3) RGB; not modified.
        to_image: The same size, the frame that the objects are wanted in; not modified.
        side: Longest side of the pictures that the flow is computed on, in pixels.

    Returns:
        The regions that can be seen in the second picture, in order, with their class. The score is the share
        of a region's pixels whose motion is consistent forward and backward, in [0, 1].

    Raises:
        ImageError: The pictures have different sizes.
    """
    if from_image.shape != to_image.shape:
        old, new = (f"{image.shape[1]} x {image.shape[0]}" for image in (from_image, to_image))
        raise ImageError(
            f"Regions cannot be moved from a picture of {old} pixels to one of {new}: the frames of a "
            "sequence must have one size."
        )
    if not regions:
        return ()
    motion = _motion(from_image, to_image, side)
    size_hw = to_image.shape[0], to_image.shape[1]
    moved = (_moved(region, motion, size_hw) for region in regions)
    return tuple(region for region in moved if region is not None)


def _motion(from_image: Image, to_image: Image, side: int) -> _Motion:
    size_hw = from_image.shape[0], from_image.shape[1]
    height, width = working_size(size_hw, min(side, max(size_hw)))
    old, new = (_grey(image, (height, width)) for image in (from_image, to_image))
    backward, forward = _flow(new, old)[:height, :width], _flow(old, new)[:height, :width]
    origins = _grid(height, width) + backward
    returning = _sampled(forward, origins)
    error = np.square(backward + returning).sum(axis=-1)
    allowed = np.square(backward).sum(axis=-1) + np.square(returning).sum(axis=-1)
    sure = (error < _RELATIVE_ERROR * allowed + _SQUARED_ERROR).astype(np.float32)
    planes = np.ascontiguousarray(np.moveaxis(origins, -1, 0))
    return _Motion(backward, planes, sure, (height / size_hw[0], width / size_hw[1]))


def _grey(image: Image, size_hw: tuple[int, int]) -> NDArray[np.uint8]:
    """The picture in grey at the flow's size, continued at its lower and right edge if that is too small."""
    small = resized(image, size_hw) if size_hw != image.shape[:2] else image
    missing = [max(0, _SMALLEST_SIDE - length) for length in size_hw]
    grey = cv2.cvtColor(np.ascontiguousarray(small), cv2.COLOR_RGB2GRAY)
    grey = cv2.copyMakeBorder(grey, 0, missing[0], 0, missing[1], cv2.BORDER_REPLICATE)
    return np.asarray(grey, dtype=np.uint8)


def _flow(start: NDArray[np.uint8], end: NDArray[np.uint8]) -> Flow:
    """Motion of each pixel as (rows, columns), (h, w, 2)."""
    finder = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)  # not safe between threads
    flow = finder.calc(start, end, None)  # type: ignore[call-overload] # None: nothing is known before
    return np.asarray(flow, dtype=np.float32)[..., ::-1]


def _moved(region: Region, motion: _Motion, size_hw: tuple[int, int]) -> Region | None:
    box = _reached_box(region, motion, size_hw)
    if box is None:
        return None
    top, left, bottom, right = box
    scale = np.asarray(motion.scale, np.float32)
    pixels = _grid(bottom - top, right - left) + np.asarray((top, left), np.float32)
    places = (pixels + 0.5) * scale - 0.5
    origins = (
        pixels + _sampled(motion.backward, places) / scale - np.asarray((region.top, region.left), np.float32)
    )
    inside = cv2.remap(
        region.mask.astype(np.float32), origins[..., 1], origins[..., 0], cv2.INTER_LINEAR, borderValue=0.0
    )
    mask: Mask = np.asarray(inside) > 0.5
    found = Region.from_mask(mask, region.class_name)
    if found is None:
        return None
    sure = _sampled(motion.sure, places)[mask].mean()
    return replace(found, top=found.top + top, left=found.left + left, score=float(np.clip(sure, 0, 1)))


def _reached_box(
    region: Region, motion: _Motion, size_hw: tuple[int, int]
) -> tuple[int, int, int, int] | None:
    """Part of the new frame that holds everything that comes from a region's box; None if nothing does."""
    top, left, bottom, right = region.box
    within = np.ones(motion.sure.shape, dtype=bool)
    for axis, (start, end) in enumerate(((top, bottom), (left, right))):
        first, last = start * motion.scale[axis] - _MARGIN, end * motion.scale[axis] + _MARGIN
        within &= (motion.origins[axis] >= first) & (motion.origins[axis] <= last)
    if not within.any():
        return None
    edges = []
    for axis in (0, 1):
        reached = np.flatnonzero(within.any(axis=1 - axis))
        edges.append(
            (
                max(0, int((reached[0] - _MARGIN) / motion.scale[axis])),
                min(size_hw[axis], int(np.ceil((reached[-1] + 1 + _MARGIN) / motion.scale[axis]))),
            )
        )
    return edges[0][0], edges[1][0], edges[0][1], edges[1][1]


def _grid(height: int, width: int) -> Flow:
    """(row, column) of each pixel, (height, width, 2)."""
    return np.moveaxis(np.indices((height, width), dtype=np.float32), 0, -1)


def _sampled(values: NDArray[np.float32], places: Flow) -> NDArray[np.float32]:
    """Values at (row, column) places between pixels; beyond the edge, those of the edge."""
    found = cv2.remap(
        values, places[..., 1], places[..., 0], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(found, dtype=np.float32)
