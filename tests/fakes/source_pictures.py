"""Files of pictures as instruments write them, with known values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import gdcm
import nibabel
import numpy as np
import pydicom
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

HEIGHT, WIDTH = 40, 56


def values(dtype: Any = np.uint16, *, bright: float = 4095, number: int = 0) -> NDArray[Any]:
    """A ramp that is brighter on the right and below, with a bright rectangle; no symmetry.

    Args:
        dtype: Of the values.
        bright: The value of the rectangle.
        number: Moves the rectangle, so that the pictures of a sequence differ.
    """
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    ramp = (columns / WIDTH + rows / HEIGHT) * bright / 4
    ramp[5:15, 8 + number : 30 + number] = bright
    return np.asarray(ramp.astype(dtype))


def write_turned_jpeg(path: Path, orientation: int = 6) -> NDArray[np.uint8]:
    """A JPEG with an EXIF orientation; returns its values as stored, before compression."""
    stored = values(np.uint8, bright=255)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(stored).save(path, "JPEG", quality=95, exif=exif)
    return stored


def write_dicom(path: Path, pixels: NDArray[Any], **elements: Any) -> None:
    """A DICOM file.

    Args:
        path: Where it goes.
        pixels: (H, W), or (frames, H, W), or (H, W, 3); uint8, uint16 or int16.
        elements: Further elements by their names, which win over the usual ones.
    """
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    file = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    file.SOPClassUID, file.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
    coloured = pixels.ndim == 3 and pixels.shape[2] == 3
    file.Rows, file.Columns = pixels.shape[:2] if coloured else pixels.shape[-2:]
    if pixels.ndim == 3 and not coloured:
        file.NumberOfFrames = len(pixels)
    file.SamplesPerPixel = 3 if coloured else 1
    file.PhotometricInterpretation = "RGB" if coloured else "MONOCHROME2"
    if coloured:
        file.PlanarConfiguration = 0
    file.BitsAllocated = file.BitsStored = pixels.dtype.itemsize * 8
    file.HighBit = file.BitsStored - 1
    file.PixelRepresentation = int(pixels.dtype.kind == "i")
    file.PixelData = pixels.tobytes()
    for name, value in elements.items():
        setattr(file, name, value)
    pydicom.dcmwrite(path, file)


def compress_dicom(path: Path, syntax: int) -> None:
    """Compress a DICOM file in place.

    Args:
        path: The file.
        syntax: One of `gdcm.TransferSyntax`, such as that of lossless JPEG.
    """
    reader, change, writer = gdcm.ImageReader(), gdcm.ImageChangeTransferSyntax(), gdcm.ImageWriter()
    reader.SetFileName(str(path))
    change.SetTransferSyntax(gdcm.TransferSyntax(syntax))
    if not reader.Read():
        raise AssertionError(f"gdcm cannot read {path}")
    change.SetInput(reader.GetImage())
    if not change.Change():
        raise AssertionError(f"gdcm cannot compress {path}")
    writer.SetFileName(str(path))  # not earlier: it empties the file
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    if not writer.Write():
        raise AssertionError(f"gdcm cannot write {path}")


def functional_group(**elements: Any) -> Dataset:
    """A group of elements that enhanced DICOM says of a frame."""
    group = Dataset()
    for name, value in elements.items():
        setattr(group, name, value)
    return group


def write_nifti(
    path: Path, volume: NDArray[Any], *, axes: str = "RAS", window: tuple[float, float] = (0, 0)
) -> None:
    """A NIfTI file.

    Args:
        path: Where it goes.
        volume: (x, y, z) or (x, y, z, volumes).
        axes: Where each axis leads: right or left, anterior or posterior, superior or inferior.
        window: The range of values that the header asks to show; none if both are 0.
    """
    affine = np.zeros((4, 4))
    affine[3, 3] = 1
    for axis, code in enumerate(axes):
        affine["RLAPSI".index(code) // 2, axis] = 1 if code in "RAS" else -1
    image = nibabel.Nifti1Image(volume, affine)
    image.header["cal_min"], image.header["cal_max"] = window
    nibabel.save(image, path)


def write_video(path: Path, n_frames: int) -> None:
    """A video whose rectangle moves one pixel per frame."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (WIDTH, HEIGHT))
    for number in range(n_frames):
        frame = values(np.uint8, bright=255, number=number)
        writer.write(np.dstack([frame] * 3))
    writer.release()
