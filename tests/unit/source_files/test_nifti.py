import sys
from itertools import permutations, product
from pathlib import Path

import nibabel
import numpy as np
import pytest

from models.chain_text import build_chain
from models.errors import ImageError, MissingExtraError
from models.preprocess import PRE_PROCESSORS
from scripts.source_files import kind_of
from scripts.source_files.base import SourceOptions, SourcePicture
from scripts.source_files.nifti import NiftiFile
from tests.fakes.source_pictures import write_nifti

VOLUME = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)
"""Right, anterior and superior are 30, 6 and 1 higher per step, in the usual axes."""


def read(path: Path, axis: int = 2) -> list[SourcePicture]:
    assert kind_of(path) is NiftiFile
    file = NiftiFile(path, SourceOptions(1000, axis=axis))
    pictures = list(file.pictures(lambda number: True))
    assert file.count() == len(pictures)
    return pictures


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_slices_are_stored_as_the_volume_has_them(tmp_path: Path, name: str, axis: int) -> None:
    write_nifti(tmp_path / name, VOLUME)
    pictures = read(tmp_path / name, axis)
    assert [picture.place for picture in pictures][:2] == [f"axis={axis}&slice=0", f"axis={axis}&slice=1"]
    slices = [picture.stored for picture in pictures]
    assert np.array_equal(np.stack(slices, axis=axis), VOLUME)


@pytest.mark.parametrize("order", list(permutations("RAS")))
@pytest.mark.parametrize("reversed_axes", list(product([False, True], repeat=3)))
def test_slices_are_shown_as_radiologists_look_at_them(
    tmp_path: Path, order: tuple[str, ...], reversed_axes: tuple[bool, ...]
) -> None:
    """A patient whose values grow to the right (100), to the front (10) and to the top (1)."""
    opposite = {"R": "L", "A": "P", "S": "I"}
    axes = "".join(opposite[code] if back else code for code, back in zip(order, reversed_axes, strict=True))
    steps = [
        {"R": 100, "A": 10, "S": 1}[code] * (-1 if back else 1)
        for code, back in zip(order, reversed_axes, strict=True)
    ]
    volume = sum(
        np.arange(4).reshape([-1 if number == axis else 1 for number in range(3)]) * step
        for axis, step in enumerate(steps)
    )
    write_nifti(tmp_path / "a.nii", np.asarray(volume, dtype=np.int16), axes=axes)
    for axis, code in enumerate(order):
        shown = read(tmp_path / "a.nii", axis)[0].shown
        down, right = (float(np.diff(shown, axis=each).mean()) for each in (0, 1))
        assert (down, right) == {"S": (-10, -100), "A": (-1, -100), "R": (-1, -10)}[code]


def test_all_slices_are_shown_with_the_range_of_the_header(tmp_path: Path) -> None:
    write_nifti(tmp_path / "a.nii", VOLUME, window=(20, 70))
    steps = {picture.range_step for picture in read(tmp_path / "a.nii")}
    assert steps == {"window-level:center=45.5,width=51"}
    (step,) = build_chain(PRE_PROCESSORS, steps)
    assert step.process(np.array([[20, 45, 70]], dtype=np.float32)).tolist() == [[0, 0.5, 1]]


def test_without_such_a_range_nearly_all_values_of_the_volume_count(tmp_path: Path) -> None:
    write_nifti(tmp_path / "a.nii", np.where(VOLUME == 7, 3000, VOLUME).astype(np.float32))
    (text,) = {picture.range_step for picture in read(tmp_path / "a.nii")}
    (step,) = build_chain(PRE_PROCESSORS, text)
    assert step.process(np.array([[60]], dtype=np.float32))[0, 0] > 0.03
    write_nifti(tmp_path / "flat.nii", np.zeros((3, 3, 3), dtype=np.float32))
    assert read(tmp_path / "flat.nii")[0].range_step == ""


def test_every_volume_of_a_series_is_read(tmp_path: Path) -> None:
    series = np.stack([VOLUME, VOLUME + 500], axis=3)
    write_nifti(tmp_path / "a.nii.gz", series)
    pictures = read(tmp_path / "a.nii.gz")
    assert len(pictures) == 12
    assert pictures[7].place == "volume=1&axis=2&slice=1"
    assert (pictures[7].part, pictures[7].frame) == ("volume=1", 1)
    assert np.array_equal(pictures[7].stored, series[:, :, 1, 1])


def test_values_are_scaled_as_the_header_says(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(VOLUME.astype(np.float64) / 7, np.eye(4), dtype=np.int16)
    nibabel.save(image, tmp_path / "a.nii")
    assert np.allclose(read(tmp_path / "a.nii")[3].stored, VOLUME[:, :, 3] / 7, atol=0.01)


def test_without_the_package_it_is_said_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_nifti(tmp_path / "a.nii", VOLUME)
    monkeypatch.setitem(sys.modules, "nibabel.filebasedimages", None)
    with pytest.raises(MissingExtraError, match=r"\[nifti\]"):
        NiftiFile(tmp_path / "a.nii", SourceOptions(1000)).count()


def test_a_volume_that_is_one_slice_has_two_dimensions(tmp_path: Path) -> None:
    write_nifti(tmp_path / "a.nii", VOLUME[:, :, 0])
    assert len(read(tmp_path / "a.nii")) == 1


def test_randomly_damaged_files_are_errors_and_never_something_else(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    n_errors = 0
    for name in ("a.nii", "a.nii.gz"):
        path = tmp_path / name
        write_nifti(path, VOLUME)
        whole = path.read_bytes()
        for _ in range(75):
            damaged = bytearray(whole[: random.integers(0, len(whole))] if random.random() < 0.3 else whole)
            for _ in range(int(random.integers(0, 6)) if damaged else 0):
                damaged[random.integers(0, len(damaged))] = random.integers(256)
            path.write_bytes(damaged)
            try:
                list(NiftiFile(path, SourceOptions(1000)).pictures(lambda number: True))
            except ImageError:
                n_errors += 1
    assert n_errors > 20
