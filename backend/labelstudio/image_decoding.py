"""Encoded bytes to RGB pixels, turned as the editor turns them.

The format is told by the content, never by a name; size is checked before any pixel is decoded.

What Chromium does was measured, and differs from Pillow's `exif_transpose` in four ways that matter, since
a mask of another size cannot be stored: only JPEG and PNG are turned (not WebP), only by EXIF (not by
an orientation in XMP or in ImageMagick's text chunk), and in a PNG only when the EXIF chunk comes before the
pixels and has no "Exif" prefix of its own. TIFF, which the editor cannot show, is turned by Pillow.
"""

from __future__ import annotations

import struct
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)
from PIL import Image as PillowImage

from models.arrays import Image
from models.errors import ImageError

# Pillow's classes instead of `PIL.Image.open`: that one compares with a limit of its own, warns through the
# process-wide warning filters, and tries formats which nobody asked for.
_READERS: tuple[tuple[bytes, type[ImageFile.ImageFile]], ...] = (
    (b"\xff\xd8\xff", JpegImagePlugin.JpegImageFile),
    (b"\x89PNG\r\n\x1a\n", PngImagePlugin.PngImageFile),
    (b"GIF87a", GifImagePlugin.GifImageFile),
    (b"GIF89a", GifImagePlugin.GifImageFile),
    (b"BM", BmpImagePlugin.BmpImageFile),
    (b"II*\0", TiffImagePlugin.TiffImageFile),
    (b"MM\0*", TiffImagePlugin.TiffImageFile),
    (b"II+\0", TiffImagePlugin.TiffImageFile),
    (b"MM\0+", TiffImagePlugin.TiffImageFile),
)
_SUPPORTED = "JPEG, PNG, WebP, GIF, BMP or TIFF"

# What Pillow's readers raise on damaged files: what `PIL.Image.open` expects of them, and what half a million
# randomly damaged files added. The tests repeat that on a small scale.
_READER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    EOFError,
    OverflowError,
    struct.error,
    PillowImage.DecompressionBombError,
)

_TURNS = {
    2: PillowImage.Transpose.FLIP_LEFT_RIGHT,
    3: PillowImage.Transpose.ROTATE_180,
    4: PillowImage.Transpose.FLIP_TOP_BOTTOM,
    5: PillowImage.Transpose.TRANSPOSE,
    6: PillowImage.Transpose.ROTATE_270,
    7: PillowImage.Transpose.TRANSVERSE,
    8: PillowImage.Transpose.ROTATE_90,
}
_ORIENTATION_TAG = 0x0112
_ROWS_AT_ONCE = 256  # bounds the memory for 64-bit intermediate values


def decode(data: bytes, *, max_pixels: int, page: int = 0) -> Image:
    """Decode one picture; of animations and multi-page files the first, unless a page of a TIFF is named.

    Transparent pictures are put on white, as the editor does. One channel with more than 8 bits is stretched
    linearly from its least and largest value to 0..255: models then see the whole range, whereas the editor
    shows the high byte, in which 12-bit data is almost black. Colour with 16 bits per channel keeps the
    high byte.

    Args:
        data: The encoded picture.
        max_pixels: Largest allowed height times width.
        page: Page of a TIFF file, counted from 0.

    Returns:
        Write-protected RGB pixels, (H, W, 3), 0..255, in the orientation that the editor shows.

    Raises:
        ImageError: Not a picture, of another format, damaged, cut off, too large, or without that page.
    """
    picture = _opened(data)
    if page:
        _turn_to(picture, page)
    width, height = picture.size
    if width * height > max_pixels:
        raise ImageError(
            f"The picture has {width} x {height} pixels; at most {max_pixels} in all are allowed "
            "(MASKLOOP_MAX_IMAGE_PIXELS)."
        )
    try:
        loaded = _loaded(picture)
    except _READER_ERRORS as error:
        raise ImageError(f"The picture is damaged or incomplete: {error or type(error).__name__}.") from error
    pixels = np.asarray(loaded)
    if loaded.mode != "RGB":
        pixels = np.repeat(_stretched(pixels)[:, :, np.newaxis], 3, axis=2)
    pixels.setflags(write=False)
    return pixels


def header(data: bytes) -> tuple[tuple[int, int], int]:
    """Read the size of an encoded picture, and how the editor turns it; no pixel is decoded.

    Returns:
        Height and width as they are stored, and the EXIF orientation, see `models.orientations`.

    Raises:
        ImageError: Not a picture, of another format, or its header is damaged.
    """
    picture = _opened(data)
    width, height = picture.size
    orientation = _orientation(picture)
    return (height, width), orientation if orientation in _TURNS else 1


def _opened(data: bytes) -> ImageFile.ImageFile:
    """The picture with its header read."""
    reader = _reader_of(data)
    try:
        return reader(BytesIO(data))
    except _READER_ERRORS as error:
        raise ImageError(f"The picture is damaged: its header cannot be read ({error}).") from error


def _turn_to(picture: ImageFile.ImageFile, page: int) -> None:
    try:
        if picture.format != "TIFF":
            raise EOFError
        picture.seek(page)
    except _READER_ERRORS as error:
        raise ImageError(f"The picture has no page {page} that can be read.") from error


def _reader_of(data: bytes) -> type[ImageFile.ImageFile]:
    for signature, reader in _READERS:
        if data.startswith(signature):
            return reader
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return WebPImagePlugin.WebPImageFile
    if not data:
        raise ImageError("The picture is empty: 0 bytes.")
    if b"<svg" in data[:1024].lower():
        raise ImageError(f"SVG drawings have no pixels to work on; convert them to {_SUPPORTED}.")
    raise ImageError(f"This is not a picture in {_SUPPORTED}: it begins with {data[:16]!r}.")


def _orientation(picture: ImageFile.ImageFile) -> int:
    """EXIF orientation 1..8 as Chromium finds it; to be asked before the pixels are loaded."""
    if picture.format not in ("JPEG", "PNG"):
        return 1
    exif = bytes(picture.info.get("exif", b"")).removeprefix(b"Exif\0\0")
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None:
        return 1
    try:
        (start,) = struct.unpack_from(f"{order}L", exif, 4)
        (n_entries,) = struct.unpack_from(f"{order}H", exif, start)
        for entry in range(start + 2, start + 2 + 12 * n_entries, 12):
            (tag,) = struct.unpack_from(f"{order}H", exif, entry)
            if tag == _ORIENTATION_TAG:
                return int(struct.unpack_from(f"{order}H", exif, entry + 8)[0])
    except struct.error:
        return 1  # a block that is cut off turns nothing in the browser either
    return 1


def _loaded(picture: ImageFile.ImageFile) -> PillowImage.Image:
    """The picture turned, in mode RGB, or in one of one deep channel."""
    turn = _TURNS.get(_orientation(picture))
    picture.load()
    image = picture if turn is None else picture.transpose(turn)
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return image
    if image.has_transparency_data:
        white = PillowImage.new("RGBA", image.size, "white")
        image = PillowImage.alpha_composite(white, image.convert("RGBA"))
    return image if image.mode == "RGB" else image.convert("RGB")


def _stretched(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Map the least finite value to 0 and the largest to 255; a flat picture becomes black."""
    finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    stretched = np.zeros(values.shape, dtype=np.uint8)
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    if low == high:
        return stretched
    for top in range(0, values.shape[0], _ROWS_AT_ONCE):
        rows = values[top : top + _ROWS_AT_ONCE].astype(np.float64)
        rows = np.nan_to_num(rows, nan=low, posinf=high, neginf=low)
        stretched[top : top + _ROWS_AT_ONCE] = np.rint((rows - low) * (255 / (high - low)))
    return stretched
