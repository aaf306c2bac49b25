"""Shows a window of values, as radiologists choose it."""

from models.options import check_between
from models.preprocess.base import Pixels, RangeProcessor

_LARGEST = 1e9


class WindowLevel(RangeProcessor):
    """Makes everything below a window dark and everything above it bright.

    Args:
        center: Value in the middle of the window, such as 40 Hounsfield units.
        width: How many values the window spans, at least 1.

    Source: DICOM PS3.3, C.11.2.1.2.1, the default function LINEAR: the window ends half a value below
    `center`, and is one value less wide, than one would think.
    """

    name = "window-level"

    def __init__(self, *, center: float = 40.0, width: float = 400.0) -> None:
        check_between("center", center, -_LARGEST, _LARGEST)
        check_between("width", width, 1, _LARGEST)
        self._center = center
        self._width = width

    def levels(self, image: Pixels) -> tuple[float, float]:
        """The ends of the window; see the base class."""
        middle, reach = self._center - 0.5, (self._width - 1) / 2
        return middle - reach, middle + reach
