"""Kinds of files that hold pictures which Label Studio cannot show, or not well."""

from __future__ import annotations

from pathlib import Path

from scripts.source_files.base import SourceFile
from scripts.source_files.dicom import DicomFile, is_dicom
from scripts.source_files.nifti import NiftiFile
from scripts.source_files.photo import PhotoFile
from scripts.source_files.tiff import TiffFile
from scripts.source_files.video import VideoFile

SOURCE_KINDS: tuple[type[SourceFile], ...] = (PhotoFile, TiffFile, DicomFile, NiftiFile, VideoFile)


def kind_of(path: Path) -> type[SourceFile] | None:
    """The kind of a file by the end of its name, DICOM also by its content; None if it has no pictures.

    Raises:
        OSError: The file cannot be read.
    """
    name = path.name.lower()
    for kind in SOURCE_KINDS:
        if name.endswith(kind.endings):
            return kind
    return DicomFile if is_dicom(path) else None
