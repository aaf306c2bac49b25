"""What files of pictures have in common: pictures one after the other, in their full depth."""

from __future__ import annotations

import struct
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from models.errors import ImageError
from models.orientations import UPRIGHT, turned
from models.preprocess.base import Pixels

_READER_ERRORS = (
    OSError,
    EOFError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    RuntimeError,
    MemoryError,
    struct.error,
    zlib.error,
    cv2.error,
)
"""What libraries raise on damaged files; the tests damage some of each kind."""


@dataclass(frozen=True)
class SourceOptions:
    """How files are read.

    Attributes:
        max_pixels: Largest height times width of one picture.
        axis: The axis of a volume along which its slices follow each other, 0 to 2.
        every: Of a video, every so many frames one is taken.
    """

    max_pixels: int
    axis: int = 2
    every: int = 1


@dataclass(frozen=True, eq=False)
class SourcePicture:
    """One picture of a file.

    Attributes:
        number: Counted from 0 within the file, in its order.
        place: Where it is in the file, such as "page=3"; empty if the file is this picture.
        stored: Its values as the file has them, (H, W) or (H, W, channels), uint8, uint16 or float32.
        orientation: How it is turned to be shown, see `models.orientations`.
        range_step: The pre-processing step that shows its values as they are meant; empty if the file does
            not say.
        inverted: Whether low values are bright.
        sequence: The sequence it is of, if that has a name of its own; else the file is one if it has several
            pictures.
        part: Which of several sequences in the file it is of, such as "volume=1"; empty for the only one.
        frame: Its place in that sequence; None if that is `number`.
    """

    number: int
    place: str
    stored: Pixels
    orientation: int = UPRIGHT
    range_step: str = ""
    inverted: bool = False
    sequence: str | None = None
    part: str = ""
    frame: int | None = None

    @property
    def shown(self) -> Pixels:
        """The values, turned as they are to be shown."""
        return np.ascontiguousarray(turned(self.stored, self.orientation))


class SourceFile(ABC):
    """A file of pictures. Used by one thread.

    Args:
        path: The file.
        options: How it is read.
    """

    kind: ClassVar[str]
    """What messages call it."""
    endings: ClassVar[tuple[str, ...]]
    """How the names of such files end, in lower case."""

    def __init__(self, path: Path, options: SourceOptions) -> None:
        self.path = path
        self.options = options

    @abstractmethod
    def count(self) -> int:
        """How many pictures it has; of damaged videos, how many it says it has.

        Raises:
            ImageError: The file is damaged.
            MissingExtraError: A package that reads it is not installed.
        """

    @abstractmethod
    def pictures(self, wanted: Callable[[int], bool]) -> Iterator[SourcePicture]:
        """Read pictures in the file's order, one at a time.

        Args:
            wanted: Whether the picture of that number is to be read.

        Raises:
            ImageError: The file is damaged, or a picture is too large; before or after some pictures.
            MissingExtraError: A package that reads it is not installed.
        """

    def check_size(self, height: int, width: int) -> None:
        """Refuse a picture before it takes memory.

        Raises:
            ImageError: It is too large.
        """
        if height * width > self.options.max_pixels:
            raise ImageError(
                f"A picture has {width} x {height} pixels; at most {self.options.max_pixels} in all are "
                "allowed (MASKLOOP_MAX_IMAGE_PIXELS)."
            )


@contextmanager
def reading(kind: str, *errors: type[Exception]) -> Iterator[None]:
    """Say that a file is damaged when a library stumbles over it.

    Args:
        kind: What the file should be.
        errors: What this library raises besides the usual.

    Raises:
        ImageError: Instead of those.
    """
    translated: tuple[type[Exception], ...] = (*_READER_ERRORS, *errors)
    try:
        yield
    except ImageError:
        raise
    except translated as error:
        said = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise ImageError(f"The {kind} file is damaged or of an unknown form: {said:.200}.") from error


def as_pixels(values: NDArray[Any]) -> Pixels:
    """Values of any type as pictures have them: yes/no in 8 bit, signed and wide numbers as float32.

    Raises:
        ImageError: They are no numbers.
    """
    if values.dtype.kind == "b":
        return values.astype(np.uint8) * 255
    if values.dtype.kind == "u" and values.dtype.itemsize <= 2:
        return values.astype(values.dtype.newbyteorder("="), copy=False)
    if values.dtype.kind not in "iuf":
        raise ImageError(f"Values of type {values.dtype} are no picture.")
    with np.errstate(over="ignore"):  # what is too large for 32 bit becomes infinite, and then bright
        return values.astype(np.float32)


def over_white(pixels: Pixels, alpha: NDArray[Any]) -> Pixels:
    """Put a transparent picture on white, as the editor does.

    Args:
        pixels: (H, W) or (H, W, 3), uint8 or uint16.
        alpha: 0 where nothing is seen of it, (H, W), of the same type.
    """
    bright = np.iinfo(pixels.dtype).max
    share = alpha / np.float32(bright)
    share = share if pixels.ndim == 2 else share[:, :, np.newaxis]
    return np.asarray(np.rint(pixels * share + bright * (1 - share)), dtype=pixels.dtype)
