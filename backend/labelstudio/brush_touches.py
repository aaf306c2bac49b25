"""Brush strokes that the editor has not turned into a mask yet, as drafts hold them.

A draft is saved every few seconds, so the editor saves a brush region as what was there before (`rle`) and
the movements of the brush since then (`touches`), and makes one mask of them on submission.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np

from backend.errors import RequestError
from models.arrays import Mask

_MOST_POINTS = 100_000
_MOST_PERCENT = 1000.0
_SUBPIXEL_BITS = 4


def paint_touches(mask: Mask, touches: Any) -> Mask:
    """Repeat the movements of brush and eraser on a mask.

    Args:
        mask: What was there before, (H, W); left as it is.
        touches: The list `touches` of a brush region: each with `relativePoints`, x and y in turns, percent
            of the picture, and `relativeStrokeWidth`, percent of its width.

    Returns:
        A new mask. The edges of strokes may differ from the editor's by a pixel.

    Raises:
        RequestError: A touch is not what the editor saves.
    """
    if not isinstance(touches, list):
        raise RequestError(f"value.touches is a {type(touches).__name__}, not a list.")
    height, width = mask.shape
    canvas = mask.astype(np.uint8)
    remaining = _MOST_POINTS
    for touch in touches:
        if not isinstance(touch, Mapping):
            raise RequestError("value.touches holds something that is no object.")
        points = _numbers(touch.get("relativePoints"), remaining)
        remaining -= len(points)
        stroke_width = _numbers([touch.get("relativeStrokeWidth")], 1)[0] / 100 * width
        pixels = np.asarray(points).reshape(-1, 2) / 100 * (width, height) - 0.5
        cv2.polylines(
            canvas,
            [np.round(pixels * (1 << _SUBPIXEL_BITS)).astype(np.int32)],
            isClosed=False,
            color=0 if touch.get("type") == "eraser" else 1,
            thickness=int(np.clip(round(stroke_width), 1, max(height, width, 2))),
            shift=_SUBPIXEL_BITS,
        )
    painted: Mask = canvas > 0
    return painted


def _numbers(values: Any, most: int) -> list[float]:
    """An even number of percentages, or a single one."""
    if (
        not isinstance(values, Sequence)
        or not 0 < len(values) <= most
        or (len(values) > 1 and len(values) % 2)
    ):
        raise RequestError("value.touches has a stroke without pairs of numbers, or with too many.")
    for value in values:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not abs(value) <= _MOST_PERCENT:
            raise RequestError(f"value.touches has {str(value)[:40]!r} where a percentage belongs.")
    return [float(value) for value in values]
