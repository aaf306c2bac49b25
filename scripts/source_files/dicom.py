"""DICOM: what scanners of hospitals write, with the window of values that the radiologist is to see."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from models.errors import ImageError, MissingExtraError
from models.preprocess.base import Pixels
from scripts.source_files.base import SourceFile, SourcePicture, as_pixels, reading

if TYPE_CHECKING:
    from pydicom import Dataset

_SIGNATURE, _SIGNATURE_AT = b"DICM", 128


def is_dicom(path: Path) -> bool:
    """Whether a file begins as DICOM files do.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        file.seek(_SIGNATURE_AT)
        return file.read(len(_SIGNATURE)) == _SIGNATURE


class DicomFile(SourceFile):
    """A DICOM file; each frame is a picture, and files of one series are a sequence."""

    kind = "DICOM"
    endings = (".dcm", ".dicom", ".ima")

    def count(self) -> int:
        """Number of frames; see the base class."""
        with _reading():
            return _frames(self._header())

    def pictures(self, wanted: Callable[[int], bool]) -> Iterator[SourcePicture]:
        """Read the frames; see the base class."""
        with _reading():
            header = self._header()
            n_frames = _frames(header)
            self.check_size(int(header.Rows), int(header.Columns))
            for number in filter(wanted, range(n_frames)):
                yield self._frame(header, number, n_frames)

    def _header(self) -> Dataset:
        from pydicom import dcmread

        header = dcmread(self.path, stop_before_pixels=True)
        if not header.get("Rows") or not header.get("Columns"):
            raise ImageError("The DICOM file holds no picture.")
        return header

    def _frame(self, header: Dataset, number: int, n_frames: int) -> SourcePicture:
        several = n_frames > 1
        series, place = header.get("SeriesInstanceUID"), header.get("InstanceNumber")
        in_series = not several and series is not None and place is not None
        return SourcePicture(
            number,
            f"frame={number}" if several else "",
            self._values(header, number),
            range_step=_window(header, number),
            inverted=header.get("PhotometricInterpretation") == "MONOCHROME1",
            sequence=str(series) if in_series else None,
            frame=int(str(place)) if in_series else None,
        )

    def _values(self, header: Dataset, number: int) -> Pixels:
        """The frame's values in their units, such as Hounsfield's; colours as RGB."""
        from pydicom.pixels.processing import apply_color_lut, apply_modality_lut
        from pydicom.pixels.utils import pixel_array

        values: Any = pixel_array(self.path, index=number)
        if header.get("PhotometricInterpretation") == "PALETTE COLOR":
            return as_pixels(apply_color_lut(values, header))
        if values.ndim == 3:
            return as_pixels(values)
        rescale = _group(header, number, "PixelValueTransformationSequence")
        slope, intercept = rescale.get("RescaleSlope"), rescale.get("RescaleIntercept")
        if "ModalityLUTSequence" in header:
            values = apply_modality_lut(values, header)
        elif slope is not None and intercept is not None and (slope, intercept) != (1, 0):
            values = values * np.float64(slope) + np.float64(intercept)
        return as_pixels(np.asarray(values))


def _reading() -> AbstractContextManager[None]:
    """Translate pydicom's errors, or say that it is not there."""
    try:
        from pydicom.errors import BytesLengthException, InvalidDicomError
    except ImportError:
        raise MissingExtraError("Reading DICOM", "dicom") from None
    return reading("DICOM", InvalidDicomError, BytesLengthException)


def _frames(header: Dataset) -> int:
    return max(1, int(header.get("NumberOfFrames") or 1))


def _group(header: Dataset, number: int, name: str) -> Dataset:
    """What says something about a frame: its own group in enhanced DICOM, that of all frames, or the file."""
    groups = header.get("PerFrameFunctionalGroupsSequence") or []
    shared = header.get("SharedFunctionalGroupsSequence") or []
    for group in [*groups[number : number + 1], *shared[:1]]:
        if name in group and group[name].value:
            found: Dataset = group[name].value[0]
            return found
    return header


def _window(header: Dataset, number: int) -> str:
    """The first window of values as a pre-processing step; empty without one."""
    group = _group(header, number, "FrameVOILUTSequence")
    center, width = (_first(group.get(name)) for name in ("WindowCenter", "WindowWidth"))
    if center is None or width is None or width <= 0:
        return ""
    if group.get("VOILUTFunction") == "LINEAR_EXACT":
        center, width = center + 0.5, width + 1
    return f"window-level:center={center:.10g},width={max(width, 1):.10g}"


def _first(value: Any) -> float | None:
    """The first of one or several numbers."""
    if value is None or value == "":
        return None
    return float(value) if isinstance(value, (int, float, str)) else float(next(iter(value)))
