"""Many pictures small on one, to see at a glance whether the steps suit them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from models.arrays import Image

MOST = 48
_COLUMNS = 6
_HEIGHT, _WIDTH, _CAPTION = 150, 200, 18
_LETTERS = 30
_GREY, _BLACK = 235, (0, 0, 0)


def chosen(count: int) -> list[int]:
    """Numbers of the pictures on the sheet: all, or so many evenly out of more."""
    return sorted({round(place) for place in np.linspace(0, count - 1, min(count, MOST)).tolist()})


def contact_sheet(pictures: Sequence[tuple[str, Sequence[Path]]]) -> Image:
    """Draw the sheet.

    Args:
        pictures: For each cell its caption and its pictures, which are put side by side.

    Returns:
        BGR as OpenCV writes it, (H, W, 3).
    """
    n_views = max(len(paths) for _, paths in pictures)
    columns = min(len(pictures), max(1, _COLUMNS // n_views))
    rows = -(-len(pictures) // columns)
    cell_width, cell_height = n_views * _WIDTH, _HEIGHT + _CAPTION
    sheet = np.full((rows * cell_height, columns * cell_width, 3), _GREY, dtype=np.uint8)
    for number, (caption, paths) in enumerate(pictures):
        top, left = number // columns * cell_height, number % columns * cell_width
        for view, path in enumerate(paths):
            _place(sheet, path, top, left + view * _WIDTH)
        text = caption[-_LETTERS * n_views :].encode("ascii", "replace").decode()
        at_xy = (left + 3, top + cell_height - 5)
        cv2.putText(sheet, text, at_xy, cv2.FONT_HERSHEY_SIMPLEX, 0.37, _BLACK, 1, cv2.LINE_AA)
    return sheet


def _place(sheet: Image, path: Path, top: int, left: int) -> None:
    """Put a picture into its place, as large as fits."""
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:  # somebody took it away meanwhile
        return
    height, width = picture.shape[:2]
    scale = min((_HEIGHT - 4) / height, (_WIDTH - 4) / width)
    size = max(1, round(height * scale)), max(1, round(width * scale))
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST
    small = cv2.resize(picture, (size[1], size[0]), interpolation=interpolation)
    row, column = top + (_HEIGHT - size[0]) // 2, left + (_WIDTH - size[1]) // 2
    sheet[row : row + size[0], column : column + size[1]] = small
