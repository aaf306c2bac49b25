"""JPEG, PNG, WebP, GIF and BMP: what the editor shows, and 16-bit PNG, which it shows almost black."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import cv2
import numpy as np

from backend.labelstudio.image_decoding import decode, header
from models.errors import ImageError
from models.orientations import turned_back
from models.preprocess.base import Pixels
from scripts.source_files.base import SourceFile, SourcePicture, over_white, reading

_PNG, _DEPTH_AT = b"\x89PNG\r\n\x1a\n", 24


class PhotoFile(SourceFile):
    """A file of one picture; of animations the first is taken, as the editor does."""

    kind = "picture"
    endings = (".jpg", ".jpeg", ".jpe", ".png", ".webp", ".gif", ".bmp")

    def count(self) -> int:
        """One; see the base class."""
        return 1

    def pictures(self, wanted: Callable[[int], bool]) -> Iterator[SourcePicture]:
        """Read the picture; see the base class."""
        if not wanted(0):
            return
        with reading(self.kind):
            data = self.path.read_bytes()
            size_hw, orientation = header(data)
            self.check_size(*size_hw)
            if data.startswith(_PNG) and data[_DEPTH_AT] == 16:
                yield SourcePicture(0, "", _deep_png(data), orientation)
                return
            shown = decode(data, max_pixels=self.options.max_pixels)
        yield SourcePicture(0, "", turned_back(_grey_if_grey(shown), orientation), orientation)


def _grey_if_grey(image: Pixels) -> Pixels:
    """One channel of a picture whose channels are equal."""
    red, green, blue = (image[:, :, channel] for channel in range(3))
    return red if np.array_equal(red, green) and np.array_equal(red, blue) else image


def _deep_png(data: bytes) -> Pixels:
    values = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if values is None:
        raise ImageError("The picture is damaged or incomplete.")
    if values.ndim == 2:
        return values
    alpha = values[:, :, -1]
    if values.shape[2] == 2:
        return over_white(values[:, :, 0], alpha)
    colours = values[:, :, 2::-1]
    return colours if values.shape[2] == 3 else over_white(colours, alpha)
