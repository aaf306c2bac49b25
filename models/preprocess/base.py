"""The contract of pre-processors: a picture in, an enhanced picture of the same height and width out.

Pictures keep the type of their values from the first step to the last, and only the last one is squeezed to
8 bit, by `to_8_bit`. So 12 or 16 bits, counts and Hounsfield units are enhanced before anything is lost.

=========  ========================================  ===============================================
type       what is dark and what is bright           after a step
=========  ========================================  ===============================================
uint8      0 and 255                                 uint8, whole range
uint16     0 and 65535, also if only 12 bits count   uint16, whole range
float32    0 and 1; if any value lies outside, the   float32 in [0, 1]
           least and the largest value
=========  ========================================  ===============================================

NaN counts as the least value. Steps that set the range (`RangeProcessor`) look at the values themselves,
whatever these mean; they belong before the others.
"""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, TypeAlias

import cv2
import numpy as np
from numpy.typing import DTypeLike, NDArray

from models.arrays import Image
from models.errors import ImageError

Pixels: TypeAlias = NDArray[Any]
"""A picture before it is squeezed to 8 bit: (H, W), or (H, W, 3) RGB; uint8, uint16 or float32."""

UnitPixels: TypeAlias = NDArray[np.float32]
"""The same with dark at 0 and bright at 1; no other values."""

_BRIGHT = {np.dtype(np.uint8): 255, np.dtype(np.uint16): 65535, np.dtype(np.float32): 1}
_RGB = 3


class PreProcessor(ABC):
    """Enhances pictures. Stateless; may be shared between threads.

    Constructors take keyword hyper-parameters with defaults, check them, and do nothing else.
    """

    name: ClassVar[str]

    @abstractmethod
    def process(self, image: Pixels) -> Pixels:
        """Return the enhanced picture.

        Args:
            image: The picture, of a type that the module's table names; not modified.

        Returns:
            A picture of the same type, height and width, and as many channels unless the step picks one.

        Raises:
            ImageError: It is no such picture.
        """


class UnitProcessor(PreProcessor):
    """A pre-processor that wants dark at 0 and bright at 1."""

    @abstractmethod
    def enhance(self, image: UnitPixels) -> UnitPixels:
        """Return the enhanced picture; values outside [0, 1] will be cut.

        Args:
            image: The picture, (H, W) or (H, W, 3) RGB, in [0, 1]; not modified.
        """

    def process(self, image: Pixels) -> Pixels:
        """Enhance a picture; see the base class."""
        return from_unit(self.enhance(to_unit(checked(image))), image.dtype)


class RangeProcessor(PreProcessor):
    """A pre-processor that says which values are dark and bright, and maps those between linearly."""

    @abstractmethod
    def levels(self, image: Pixels) -> tuple[float, float]:
        """The values that become dark and bright, the first not above the second.

        Args:
            image: The picture, all values finite; not modified.
        """

    def process(self, image: Pixels) -> Pixels:
        """Map the picture's values; see the base class. A picture without contrast becomes dark."""
        finite = _finite(checked(image))
        low, high = self.levels(finite)
        return from_unit(_between(finite, low, high), image.dtype)


def checked(image: Pixels) -> Pixels:
    """Return the picture if it is one.

    Raises:
        ImageError: It has another type, no pixel, or channels that are not red, green and blue.
    """
    if image.ndim == 3 and image.shape[2] != _RGB:
        raise ImageError(
            f"The picture has {image.shape[2]} channels. Pick one before anything else: channel:number=1."
        )
    return checked_values(image)


def checked_values(image: Pixels) -> Pixels:
    """Return the picture if it is one, with any number of channels.

    Raises:
        ImageError: It has another type, or no pixel.
    """
    if image.ndim not in (2, 3) or not image.size:
        raise ImageError(f"This is no picture: it has the shape {image.shape}.")
    if image.dtype not in _BRIGHT:
        raise ImageError(f"Pictures have uint8, uint16 or float32 values, not {image.dtype}.")
    return image


def to_unit(image: Pixels) -> UnitPixels:
    """Put dark at 0 and bright at 1, as the module's table says."""
    if image.dtype.kind == "u":
        return np.asarray(image / np.float32(_BRIGHT[image.dtype]), dtype=np.float32)
    finite = _finite(image)
    low, high = float(finite.min()), float(finite.max())
    return finite if low >= 0 and high <= 1 else _between(finite, low, high)


def from_unit(values: UnitPixels, dtype: DTypeLike) -> Pixels:
    """Turn values in [0, 1] into those of another type; what lies outside is cut."""
    bright = _BRIGHT[np.dtype(dtype)]
    values = np.clip(values, 0, 1)
    return values if bright == 1 else np.rint(values * bright).astype(dtype)


def to_8_bit(image: Pixels) -> NDArray[np.uint8]:
    """Squeeze a picture to 8 bit, the last thing that happens to it.

    Returns:
        (H, W), or (H, W, 3) RGB.

    Raises:
        ImageError: It is no picture.
    """
    return np.asarray(from_unit(to_unit(checked(image)), np.uint8))


def as_rgb(image: NDArray[np.uint8]) -> Image:
    """Repeat a grey picture, (H, W), in three channels; leaves a coloured one as it is."""
    return image if image.ndim == 3 else np.repeat(image[:, :, np.newaxis], _RGB, axis=2)


def brightness(image: UnitPixels) -> UnitPixels:
    """What the eye sees of a picture without its colours, (H, W), in [0, 1] (ITU-R BT.601)."""
    return image if image.ndim == 2 else np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))


def _finite(image: Pixels) -> Pixels:
    """The picture with NaN as its least value, and infinities as its least and largest."""
    if image.dtype.kind != "f":
        return image
    known = image[np.isfinite(image)]
    if known.size == image.size:
        return image
    low, high = (known.min(), known.max()) if known.size else (0, 0)
    return np.nan_to_num(image, nan=low, posinf=high, neginf=low)


def _between(image: Pixels, low: float, high: float) -> UnitPixels:
    """Values between two levels as numbers from 0 to 1; 0 everywhere if the levels are one."""
    if not low < high:
        return np.zeros(image.shape, dtype=np.float32)
    exact = "float64" if image.dtype.kind == "f" else "float32"  # which holds all 16-bit numbers
    share = (image.astype(exact) - low) / (high - low)
    return np.asarray(share.clip(0, 1), dtype=np.float32)
