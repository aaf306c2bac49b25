"""NIfTI: volumes of brains and other organs, cut into slices as radiologists look at them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.errors import ImageError, MissingExtraError
from models.orientations import orientation_of
from scripts.source_files.base import SourceFile, SourcePicture, as_pixels, reading

if TYPE_CHECKING:
    from nibabel.nifti1 import Nifti1Image

_MOST_VALUES = 1 << 29
"""Of one volume, which is held in memory."""
_PERCENTILES = 0.5, 99.5
_SAMPLE = 2_000_000  # values that the percentiles are taken of
_DOWN, _RIGHT = "PI", "LP"
"""What radiologists want below and on the right: posterior or inferior, and left or posterior."""
_OPPOSITE = {"L": "R", "R": "L", "A": "P", "P": "A", "S": "I", "I": "S"}


class NiftiFile(SourceFile):
    """A NIfTI file; each slice along an axis is a picture, of each volume if there are several.

    All slices of a volume are shown with the same range of values: that of the header, else percentiles.
    """

    kind = "NIfTI"
    endings = (".nii", ".nii.gz")

    def count(self) -> int:
        """Number of slices in all volumes; see the base class."""
        with _reading():
            shape = _shape(self._open())
            return shape[self.options.axis] * shape[3]

    def pictures(self, wanted: Callable[[int], bool]) -> Iterator[SourcePicture]:
        """Read the slices; see the base class."""
        with _reading():
            image = self._open()
            shape, axis = _shape(image), self.options.axis
            self.check_size(*(side for number, side in enumerate(shape[:3]) if number != axis))
            orientation = _orientation(image, axis)
            for volume in range(shape[3]):
                first = volume * shape[axis]
                numbers = [number for number in range(first, first + shape[axis]) if wanted(number)]
                if not numbers:
                    continue
                values = _volume(image, volume)
                step = _range_step(image, values)
                part = f"volume={volume}" if shape[3] > 1 else ""
                for number in numbers:
                    yield SourcePicture(
                        number,
                        "&".join(filter(None, [part, f"axis={axis}", f"slice={number - first}"])),
                        as_pixels(np.take(values, number - first, axis=axis)),
                        orientation,
                        range_step=step,
                        part=part,
                        frame=number - first,
                    )

    def _open(self) -> Nifti1Image:
        from nibabel.nifti1 import Nifti1Image
        from nibabel.nifti2 import Nifti2Image

        for kind in (Nifti1Image, Nifti2Image):
            if kind.path_maybe_image(self.path)[0]:
                return kind.from_filename(self.path)
        raise ImageError("This is no NIfTI file.")


def _reading() -> AbstractContextManager[None]:
    """Translate nibabel's errors, or say that it is not there."""
    try:
        from nibabel.filebasedimages import ImageFileError
        from nibabel.spatialimages import HeaderDataError
    except ImportError:
        raise MissingExtraError("Reading NIfTI", "nifti") from None
    return reading("NIfTI", ImageFileError, HeaderDataError)


def _shape(image: Nifti1Image) -> tuple[int, int, int, int]:
    """Sides of a volume, and the number of volumes."""
    sides = [int(side) for side in image.shape]
    first = [*sides, 1, 1, 1][:3]
    rest = int(np.prod(sides[3:], dtype=np.int64))
    if not first[0] * first[1] * first[2] * rest:
        raise ImageError("The NIfTI file has no slice in it.")
    if first[0] * first[1] * first[2] > _MOST_VALUES:
        raise ImageError(f"A volume has {first} values; at most {_MOST_VALUES} in all are read.")
    return first[0], first[1], first[2], rest


def _volume(image: Nifti1Image, number: int) -> NDArray[Any]:
    """The values of one volume, (x, y, z), in their units."""
    values: Any = image.dataobj
    if len(image.shape) > 3:
        place = np.unravel_index(number, image.shape[3:], order="F")
        values = values[(slice(None),) * 3 + tuple(int(each) for each in place)]
    return as_pixels(np.asarray(values).reshape(_shape(image)[:3]))


def _range_step(image: Nifti1Image, values: NDArray[Any]) -> str:
    """The header's range of values, or nearly all values of the volume, as a pre-processing step."""
    low, high = float(image.header["cal_min"]), float(image.header["cal_max"])
    if not low < high:
        sample = values.ravel()[:: max(1, values.size // _SAMPLE)]
        finite = sample[np.isfinite(sample)]
        if not finite.size:
            return ""
        low, high = (float(each) for each in np.percentile(finite, _PERCENTILES))
    if not low < high:
        return ""
    return f"window-level:center={(low + high) / 2 + 0.5:.10g},width={high - low + 1:.10g}"


def _orientation(image: Nifti1Image, axis: int) -> int:
    """How a slice is turned so that front, top and the patient's right are where radiologists expect them."""
    from nibabel.orientations import aff2axcodes

    known = aff2axcodes(image.affine)
    codes = [code or usual for code, usual in zip(known, "RAS", strict=True)]
    rows, columns = (code for number, code in enumerate(codes) if number != axis)
    down, right = _plane(rows, columns)
    swapped = rows not in (down, _OPPOSITE[down])
    rows, columns = (columns, rows) if swapped else (rows, columns)
    return orientation_of(swapped=swapped, rows_reversed=rows != down, columns_reversed=columns != right)


def _plane(*codes: str) -> tuple[str, str]:
    """What lies below and what on the right in the plane of these two axes."""
    axes = {frozenset((code, _OPPOSITE[code])) for code in codes}
    down = next(code for code in reversed(_DOWN) if any(code in axis for axis in axes))
    others = (axis for axis in axes if down not in axis)
    right = next(code for axis in islice(others, 1) for code in _RIGHT if code in axis)
    return down, right
