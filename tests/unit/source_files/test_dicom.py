import sys
from pathlib import Path
from typing import Any

import gdcm
import numpy as np
import pytest

from models.chain_text import build_chain
from models.errors import ImageError, MissingExtraError
from models.preprocess import PRE_PROCESSORS
from models.preprocess.base import to_8_bit
from scripts.source_files import kind_of
from scripts.source_files.base import SourceOptions, SourcePicture
from scripts.source_files.dicom import DicomFile
from tests.fakes.source_pictures import compress_dicom, functional_group, values, write_dicom

OPTIONS = SourceOptions(10_000)


def read(path: Path) -> list[SourcePicture]:
    assert kind_of(path) is DicomFile
    file = DicomFile(path, OPTIONS)
    pictures = list(file.pictures(lambda number: True))
    assert file.count() == len(pictures)
    return pictures


def test_units_of_a_ct_are_those_of_hounsfield(tmp_path: Path) -> None:
    write_dicom(tmp_path / "ct.dcm", values(np.int16), RescaleSlope=2, RescaleIntercept=-1024)
    (picture,) = read(tmp_path / "ct.dcm")
    assert picture.stored.dtype == np.float32
    assert np.array_equal(picture.shown, values(np.float32).astype(np.int16) * 2.0 - 1024)


def test_the_first_window_of_the_file_becomes_a_step(tmp_path: Path) -> None:
    write_dicom(tmp_path / "ct.dcm", values(), WindowCenter=["1040.5", "40"], WindowWidth=["200", "80"])
    (picture,) = read(tmp_path / "ct.dcm")
    assert picture.range_step == "window-level:center=1040.5,width=200"
    (step,) = build_chain(PRE_PROCESSORS, picture.range_step)
    shown = to_8_bit(step.process(picture.shown))
    assert np.array_equal(shown == 0, values() <= 940)
    assert np.array_equal(shown == 255, values() >= 1139)


def test_an_exact_window_covers_exactly_its_values(tmp_path: Path) -> None:
    elements = {"WindowCenter": 1000, "WindowWidth": 200, "VOILUTFunction": "LINEAR_EXACT"}
    write_dicom(tmp_path / "ct.dcm", values(), **elements)
    (step,) = build_chain(PRE_PROCESSORS, read(tmp_path / "ct.dcm")[0].range_step)
    ends = step.process(np.array([[900, 1000, 1100]], dtype=np.float32))
    assert ends.tolist() == [[0, 0.5, 1]]


@pytest.mark.parametrize("elements", [{}, {"WindowCenter": 40, "WindowWidth": 0}, {"WindowCenter": 40}])
def test_without_a_window_there_is_no_step(tmp_path: Path, elements: dict[str, Any]) -> None:
    write_dicom(tmp_path / "x.dcm", values(), **elements)
    (picture,) = read(tmp_path / "x.dcm")
    assert picture.range_step == ""
    assert picture.stored.dtype == np.uint16


def test_films_whose_low_values_are_bright_are_inverted(tmp_path: Path) -> None:
    write_dicom(tmp_path / "x.dcm", values(), PhotometricInterpretation="MONOCHROME1")
    (picture,) = read(tmp_path / "x.dcm")
    assert picture.inverted
    assert np.array_equal(picture.shown, values())


def test_each_frame_of_a_file_is_a_picture(tmp_path: Path) -> None:
    frames = np.stack([values(number=number) for number in range(4)])
    write_dicom(tmp_path / "us.dcm", frames)
    pictures = read(tmp_path / "us.dcm")
    assert [picture.place for picture in pictures] == [f"frame={number}" for number in range(4)]
    assert np.array_equal(np.stack([picture.shown for picture in pictures]), frames)


def test_files_of_one_series_say_their_place_in_it(tmp_path: Path) -> None:
    write_dicom(tmp_path / "7.dcm", values(), SeriesInstanceUID="1.2.3", InstanceNumber=7)
    (picture,) = read(tmp_path / "7.dcm")
    assert (picture.sequence, picture.frame, picture.place) == ("1.2.3", 7, "")


def test_frames_of_enhanced_dicom_have_their_own_windows(tmp_path: Path) -> None:
    groups = [
        functional_group(
            FrameVOILUTSequence=[functional_group(WindowCenter=center, WindowWidth=100)],
            PixelValueTransformationSequence=[functional_group(RescaleSlope=1, RescaleIntercept=-center)],
        )
        for center in (50, 60)
    ]
    write_dicom(tmp_path / "e.dcm", np.stack([values()] * 2), PerFrameFunctionalGroupsSequence=groups)
    first, second = read(tmp_path / "e.dcm")
    assert second.range_step == "window-level:center=60,width=100"
    assert np.array_equal(first.shown, values() - 50.0)


@pytest.mark.parametrize(
    "syntax",
    [
        gdcm.TransferSyntax.JPEGLosslessProcess14_1,
        gdcm.TransferSyntax.JPEGLSLossless,
        gdcm.TransferSyntax.JPEG2000Lossless,
        gdcm.TransferSyntax.RLELossless,
    ],
)
def test_compressed_values_are_read_as_they_were(tmp_path: Path, syntax: int) -> None:
    write_dicom(tmp_path / "ct.dcm", values())
    size = (tmp_path / "ct.dcm").stat().st_size
    compress_dicom(tmp_path / "ct.dcm", syntax)
    assert (tmp_path / "ct.dcm").stat().st_size < size
    (picture,) = read(tmp_path / "ct.dcm")
    assert np.array_equal(picture.shown, values())


def test_colours_are_read(tmp_path: Path) -> None:
    colours = np.dstack([values(np.uint8, bright=255)] * 2 + [values(np.uint8, bright=100)])
    write_dicom(tmp_path / "colour.dcm", colours)
    (picture,) = read(tmp_path / "colour.dcm")
    assert np.array_equal(picture.shown, colours)


def test_a_file_without_an_ending_is_known_by_its_content(tmp_path: Path) -> None:
    write_dicom(tmp_path / "IM000001", values())
    assert len(read(tmp_path / "IM000001")) == 1
    (tmp_path / "README").write_text("no picture")
    assert kind_of(tmp_path / "README") is None


def test_without_the_package_it_is_said_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_dicom(tmp_path / "x.dcm", values())
    monkeypatch.setitem(sys.modules, "pydicom.errors", None)
    with pytest.raises(MissingExtraError, match=r"\[dicom\]"):
        DicomFile(tmp_path / "x.dcm", OPTIONS).count()


def test_large_pictures_are_refused(tmp_path: Path) -> None:
    write_dicom(tmp_path / "x.dcm", values())
    with pytest.raises(ImageError, match="56 x 40 pixels"):
        list(DicomFile(tmp_path / "x.dcm", SourceOptions(100)).pictures(lambda number: True))


def test_a_report_holds_no_picture(tmp_path: Path) -> None:
    write_dicom(tmp_path / "x.dcm", values(), Rows=None)
    with pytest.raises(ImageError, match="holds no picture"):
        list(DicomFile(tmp_path / "x.dcm", OPTIONS).pictures(lambda number: True))


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")  # it guesses what damaged elements mean
def test_randomly_damaged_files_are_errors_and_never_something_else(tmp_path: Path) -> None:
    path = tmp_path / "x.dcm"
    write_dicom(path, values(), WindowCenter=40, WindowWidth=400, RescaleSlope=2, RescaleIntercept=1)
    whole = path.read_bytes()
    random = np.random.default_rng(0)
    n_errors = 0
    for _ in range(150):
        damaged = bytearray(whole[: random.integers(132, len(whole))] if random.random() < 0.5 else whole)
        for _ in range(int(random.integers(0, 8))):
            damaged[random.integers(132, min(len(damaged), 1000))] = random.integers(256)
        path.write_bytes(damaged)
        try:
            list(DicomFile(path, OPTIONS).pictures(lambda number: True))
        except ImageError:
            n_errors += 1
    assert n_errors > 20
