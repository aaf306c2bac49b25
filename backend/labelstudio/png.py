"""Masks as PNG data URLs: bitmask regions, and brush regions that carry a picture instead of RLE.

Inside is what is opaque; the colour is the editor's business. As in the editor, a PNG without transparency
is inside everywhere.
"""

import base64
import binascii
import io
import struct
import zlib
from typing import Any

import cv2
import numpy as np
from PIL import Image as PillowImage

from backend.errors import RequestError
from models.arrays import Mask

_PREFIX = "data:image/png;base64,"
_SIGNATURE_AND_HEADER = struct.Struct(">8sI4sII")
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_OPAQUE_FROM = 128
_RUN_LENGTHS = (
    cv2.IMWRITE_PNG_STRATEGY,
    cv2.IMWRITE_PNG_STRATEGY_RLE,
    cv2.IMWRITE_PNG_FILTER,
    cv2.IMWRITE_PNG_FILTER_NONE,
    cv2.IMWRITE_PNG_COMPRESSION,
    1,
)
"""A mask is runs: six times faster than OpenCV's defaults, and a quarter of the bytes (1024² disc)."""
_PILLOW_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    struct.error,
    zlib.error,
    PillowImage.DecompressionBombError,
)
"""What Pillow raises for damaged files, depending on where the damage is."""


def encode(mask: Mask) -> str:
    """Write a mask, (H, W), as a data URL of an RGBA PNG: white and opaque inside, transparent outside."""
    rgba = np.repeat((mask * np.uint8(255))[..., None], 4, axis=2)
    _, data = cv2.imencode(".png", rgba, _RUN_LENGTHS)
    return _PREFIX + base64.b64encode(data.tobytes()).decode()


def decode(url: Any, size_hw: tuple[int, int]) -> Mask:
    """Read a mask; its size is looked up in the file's header before any pixel is decoded.

    Args:
        url: A data URL of a PNG.
        size_hw: Height and width that the picture must have.

    Returns:
        What is at least half opaque, (H, W).

    Raises:
        RequestError: Not such a URL, of another size, or damaged.
    """
    if not isinstance(url, str) or not url.startswith(_PREFIX):
        raise RequestError(f"The mask should be text that begins with {_PREFIX!r}.")
    try:
        data = base64.b64decode(url[len(_PREFIX) :], validate=True)
        signature, _, chunk, width, height = _SIGNATURE_AND_HEADER.unpack_from(data)
    except (binascii.Error, ValueError, struct.error) as error:
        raise RequestError(f"The mask is no base64 text of a PNG ({error}).") from error
    if signature != _SIGNATURE or chunk != b"IHDR":
        raise RequestError("The mask is no PNG: its first bytes are of something else.")
    if (height, width) != size_hw:
        raise RequestError(
            f"The mask's PNG has width {width} and height {height}, "
            f"but the picture has width {size_hw[1]} and height {size_hw[0]}."
        )
    try:
        with PillowImage.open(io.BytesIO(data), formats=["PNG"]) as picture:
            alpha = np.asarray(picture.convert("RGBA").getchannel("A"))
    except _PILLOW_ERRORS as error:
        raise RequestError(f"The mask's PNG is damaged ({error}).") from error
    return np.asarray(alpha >= _OPAQUE_FROM)
