"""Pictures whose objects are known."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Mask = NDArray[np.bool_]

# Not square, so that swapped axes show; close enough to square that the editor shows all of it.
HEIGHT, WIDTH = 240, 280
_BACKGROUND, _LIGHT, _DARK = 60, 215, 150


@dataclass(frozen=True)
class LivePicture:
    """A picture file and the truth about it.

    Attributes:
        name: File name.
        content: The file.
        whole: The left object, (H, W) as the editor shows the picture: an ellipse of two halves.
        light: The half of it that is lighter.
        other: The right object.
    """

    name: str
    content: bytes
    whole: Mask
    light: Mask
    other: Mask


def _ellipse(row: float, column: float, height: float, width: float) -> Mask:
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    inside: Mask = ((rows - row) / height) ** 2 + ((columns - column) / width) ** 2 <= 1
    return inside


def two_objects() -> LivePicture:
    """A two-tone ellipse on the left and a disc on the right, grey with a little noise, as PNG.

    The left object spans rows 60 to 180 and columns 40 to 140, its light half the columns up to 90; the disc
    lies around row 170, column 210.
    """
    whole = _ellipse(120, 90, 60, 50)
    light = whole & (np.arange(WIDTH) < 90)
    other = _ellipse(170, 210, 35, 35)
    pixels = np.full((HEIGHT, WIDTH), _BACKGROUND, float)
    pixels[whole] = _DARK
    pixels[light | other] = _LIGHT
    pixels += np.random.default_rng(0).normal(0, 4, pixels.shape)
    return _saved("two-objects.png", pixels, whole, light, other)


def turned_by_exif() -> LivePicture:
    """The same picture, stored lying on its side with the EXIF orientation that turns it upright."""
    upright = np.asarray(Image.open(io.BytesIO(two_objects().content)))
    picture = two_objects()
    exif = Image.Exif()
    exif[0x0112] = 6  # "turn by 90 degrees clockwise to show"
    buffer = io.BytesIO()
    Image.fromarray(np.rot90(upright)).save(buffer, "JPEG", quality=95, exif=exif)
    return LivePicture("turned.jpg", buffer.getvalue(), picture.whole, picture.light, picture.other)


def _saved(name: str, pixels: NDArray[np.float64], whole: Mask, light: Mask, other: Mask) -> LivePicture:
    buffer = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(buffer, "PNG")
    return LivePicture(name, buffer.getvalue(), whole, light, other)


def percent(row: float, column: float) -> tuple[float, float]:
    """The (x, y) in percent of a pixel's centre."""
    return (column + 0.5) / WIDTH * 100, (row + 0.5) / HEIGHT * 100
