"""TIFF: stacks of pages, tiles, 1 to 64 bits, floating point, as microscopes and scanners write them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import cv2
import numpy as np
import tifffile

from models.errors import ImageError
from models.orientations import ORIENTATIONS, UPRIGHT
from models.preprocess.base import Pixels
from scripts.source_files.base import SourceFile, SourcePicture, as_pixels, over_white, reading

_ORIENTATION = 274
_MINISWHITE, _MINISBLACK, _RGB, _PALETTE = 0, 1, 2, 3
_SIMPLE = (_MINISWHITE, _MINISBLACK, _RGB, _PALETTE)
_ALPHA = (1, 2)
"""Extra samples that are opacity, associated or not."""


class TiffFile(SourceFile):
    """A TIFF file; each page is a picture, and smaller copies of pages are left out."""

    kind = "TIFF"
    endings = (".tif", ".tiff", ".lsm", ".stk")

    def count(self) -> int:
        """Number of pages; see the base class."""
        with reading(self.kind, tifffile.TiffFileError), tifffile.TiffFile(self.path) as file:
            stack = _stack_without_pages(file)
            return len(_pages(file)) if stack is None else stack

    def pictures(self, wanted: Callable[[int], bool]) -> Iterator[SourcePicture]:
        """Read the pages; see the base class."""
        with reading(self.kind, tifffile.TiffFileError), tifffile.TiffFile(self.path) as file:
            stack = _stack_without_pages(file)
            numbers = _pages(file) if stack is None else list(range(stack))
            if not numbers:
                raise ImageError("The TIFF file has no picture in it.")
            for number, page in enumerate(numbers):
                if wanted(number):
                    place = f"page={number}" if len(numbers) > 1 else ""
                    yield self._page(file, page, number, place, in_stack=stack is not None)

    def _page(
        self, file: tifffile.TiffFile, index: int, number: int, place: str, *, in_stack: bool
    ) -> SourcePicture:
        page = _page_of(file, 0 if in_stack else index)
        self.check_size(page.imagelength, page.imagewidth)
        if in_stack:
            stored = self._of_stack(index, (page.imagelength, page.imagewidth))
        else:
            stored = self._decoded(page, index)
        tag = page.tags.get(_ORIENTATION)
        orientation = tag.value if tag is not None and tag.value in ORIENTATIONS else UPRIGHT
        inverted = page.photometric == _MINISWHITE
        return SourcePicture(number, place, stored, int(orientation), inverted=inverted)

    def _decoded(self, page: tifffile.TiffPage, index: int) -> Pixels:
        """The page's values; OpenCV reads what tifffile alone cannot, such as LZW and JPEG inside TIFF."""
        if page.photometric not in _SIMPLE:
            return self._by_opencv(index, f"colours of the kind {page.photometric!s}")
        try:
            values = page.asarray()
        except ValueError as error:
            return self._by_opencv(index, str(error))
        if page.axes.startswith("S"):  # one plane after the other
            values = np.moveaxis(values, 0, -1)
        if values.ndim not in (2, 3) or values.shape[:2] != (page.imagelength, page.imagewidth):
            raise ImageError(f"A page has the axes {page.axes}, which are not one picture.")
        if page.photometric == _PALETTE and page.colormap is not None:
            return np.asarray(np.moveaxis(page.colormap[:, values] >> 8, 0, -1), dtype=np.uint8)
        return _without_alpha(as_pixels(values), tuple(page.extrasamples))

    def _by_opencv(self, index: int, reason: str) -> Pixels:
        found, pages = cv2.imreadmulti(str(self.path), index, 1, flags=cv2.IMREAD_UNCHANGED)
        if not found or not pages:
            raise ImageError(f"A page cannot be decoded: {reason:.200}.")
        values = as_pixels(np.asarray(pages[0]))
        if values.ndim == 2:
            return values
        return _without_alpha(values[:, :, [2, 1, 0, *range(3, values.shape[2])]], _ALPHA[:1])

    def _of_stack(self, index: int, size_hw: tuple[int, int]) -> Pixels:
        """A picture of a stack that has only one page, as ImageJ writes beyond 4 GB."""
        values = tifffile.memmap(self.path, mode="r")
        return as_pixels(np.array(values.reshape(-1, *size_hw)[index]))


def _pages(file: tifffile.TiffFile) -> list[int]:
    """The pages that are no smaller copies of others."""
    return [index for index in range(len(file.pages)) if not _page_of(file, index).is_reduced]


def _page_of(file: tifffile.TiffFile, index: int) -> tifffile.TiffPage:
    page = file.pages[index]
    return page if isinstance(page, tifffile.TiffPage) else page.aspage()


def _stack_without_pages(file: tifffile.TiffFile) -> int | None:
    """Pictures of a stack that has only its first page described; None of any other file."""
    if not len(file.pages):
        raise ImageError("The TIFF file has no picture in it.")
    first = _page_of(file, 0)
    series = file.series[0]
    grey = first.axes == "YX" and series.axes.endswith("YX")
    if len(file.pages) != 1 or not grey or series.dataoffset is None or series.size == first.size:
        return None
    return int(series.size // first.size)


def _without_alpha(values: Pixels, extra: tuple[int, ...]) -> Pixels:
    """Values with opacity, if it is the last channel, put on white; one channel without its axis."""
    if values.ndim == 3 and values.shape[2] in (2, 4) and extra and extra[-1] in _ALPHA:
        if values.dtype.kind == "f":
            values = values[:, :, :-1]
        else:
            values = over_white(values[:, :, :-1], values[:, :, -1])
    return values[:, :, 0] if values.ndim == 3 and values.shape[2] == 1 else values
