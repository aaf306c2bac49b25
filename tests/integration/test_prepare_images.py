"""The command as its user runs it: every kind of file, again, changed, damaged, interrupted, misused."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from typer.testing import Result

from scripts.child_process import clean_environment
from scripts.prepare_images import main
from tests.fakes.commands import invoke
from tests.fakes.source_pictures import (
    HEIGHT,
    WIDTH,
    values,
    write_dicom,
    write_nifti,
    write_turned_jpeg,
    write_video,
)

ROOT = Path(__file__).resolve().parents[2]
_PATIENCE_S = 120.0


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """One file of each kind, one that is none, and one that is damaged."""
    folder = tmp_path / "raw"
    (folder / "scans").mkdir(parents=True)
    tifffile.imwrite(folder / "deep.tif", values())
    stack = np.stack([values(number=number) for number in range(3)])
    tifffile.imwrite(folder / "scans" / "stack.tif", stack, photometric="minisblack")
    cv2.imwrite(str(folder / "deep.png"), values())
    write_turned_jpeg(folder / "turned.jpg")
    window = {"WindowCenter": 2000, "WindowWidth": 1000, "SeriesInstanceUID": "1.2", "InstanceNumber": 4}
    write_dicom(folder / "scans" / "IM4", values(), **window)
    write_dicom(folder / "film.dcm", values(), PhotometricInterpretation="MONOCHROME1")
    write_nifti(folder / "volume.nii.gz", np.random.default_rng(0).normal(100, 20, (12, 10, 2)))
    write_video(folder / "clip.avi", 4)
    (folder / "notes.txt").write_text("no picture")
    (folder / "broken.tif").write_bytes(b"II*\0")
    return folder


def run(*arguments: str | Path, **environment: str) -> Result:
    settings = {"MASKLOOP_LOCAL_FILES_ROOT": None} | environment
    return invoke(main, *arguments, env=settings)


def tasks(target: Path) -> dict[str, dict[str, Any]]:
    """The data of all tasks, by the last part of their originals' addresses."""
    content = json.loads((target / "tasks.json").read_text(encoding="utf-8"))
    return {task["data"]["original"].rpartition("/")[2]: task["data"] for task in content}


def shown(target: Path, address: str) -> NDArray[np.uint8]:
    """The picture that a task names."""
    path = target.parent / address.removeprefix("/data/local-files/?d=")
    return np.asarray(cv2.imread(str(path), cv2.IMREAD_UNCHANGED))


def test_every_kind_of_file_becomes_tasks_with_pictures_of_its_size(raw: Path, tmp_path: Path) -> None:
    target = tmp_path / "shown"
    result = run(raw, target)
    assert result.exit_code == 1
    assert "broken.tif: The TIFF file" in result.output
    assert "3 TIFF, 2 picture, 2 DICOM, 1 video, 1 NIfTI; 1 others" in result.output
    found = tasks(target)
    assert len(found) == 14
    for data in found.values():
        assert shown(target, data["image"]).dtype == np.uint8
    assert shown(target, found["turned.jpg"]["image"]).shape == (WIDTH, HEIGHT)
    assert shown(target, found["deep.tif"]["image"]).shape == (HEIGHT, WIDTH)
    assert found["turned.jpg"]["orientation"] == 6
    assert (found["IM4"]["sequence"], found["IM4"]["frame"]) == ("1.2", 4)
    page = found["stack.tif#page=2"]
    assert (page["sequence"], page["frame"]) == ("scans/stack.tif", 2)
    assert page["original"] == "/data/local-files/?d=raw/scans/stack.tif#page=2"
    assert found["IM4"]["steps"] == "window-level:center=2000,width=1000"
    assert found["deep.png"]["steps"] == "percentile-stretch"
    assert found["turned.jpg"]["steps"] == ""
    assert "sequence" not in found["deep.png"]
    assert shown(target, found["film.dcm"]["image"])[10, 20] == 0
    assert np.asarray(cv2.imread(str(target / "contact-sheet.jpg"))).shape[1] > 1000


def test_the_same_command_again_does_nothing_and_a_changed_file_is_done_again(
    raw: Path, tmp_path: Path
) -> None:
    target = tmp_path / "shown"
    run(raw, target)
    picture = target / "deep.tif.png"
    before = {path: path.stat().st_mtime_ns for path in target.rglob("*.png")}
    again = run(raw, target)
    assert "Done already: 8 of 9 files" in again.output
    assert before == {path: path.stat().st_mtime_ns for path in target.rglob("*.png")}
    tifffile.imwrite(raw / "deep.tif", values(number=9))
    picture_before = picture.read_bytes()
    assert "Done already: 7 of 9 files" in run(raw, target).output
    assert picture.read_bytes() != picture_before
    picture.unlink()
    assert "Done already: 7 of 9 files" in run(raw, target).output
    assert picture.is_file()
    assert "Done already: 0 of 9 files" in run(raw, target, "--steps", "clahe").output
    assert tasks(target)["deep.tif"]["steps"] == "percentile-stretch,clahe"


def test_steps_that_were_given_apart_are_one_chain(raw: Path, tmp_path: Path) -> None:
    run(
        raw,
        tmp_path / "shown",
        "--steps",
        "percentile-stretch:low=1,high=99",
        "--steps",
        "gamma:exponent=0.5",
    )
    data = tasks(tmp_path / "shown")["deep.png"]
    assert data["steps"] == "percentile-stretch:low=1,high=99,gamma:exponent=0.5"
    grey = shown(tmp_path / "shown", data["image"])[30, 20] / 255
    expected = (values()[30, 20] - np.percentile(values(), 1)) / (4095 - np.percentile(values(), 1))
    assert grey == pytest.approx(expected**0.5, abs=0.01)


def test_the_plain_picture_is_shown_beside_the_enhanced_one(raw: Path, tmp_path: Path) -> None:
    target = tmp_path / "shown"
    run(raw, target, "--side-by-side")
    data = tasks(target)["deep.tif"]
    plain, enhanced = (shown(target, data[field]) for field in ("image", "enhanced"))
    assert plain.shape == enhanced.shape
    assert not np.array_equal(plain, enhanced)
    assert (data["steps"], data["enhanced_steps"]) == ("percentile-stretch", "percentile-stretch,clahe")


def test_options_for_videos_volumes_and_jpeg(raw: Path, tmp_path: Path) -> None:
    target = tmp_path / "shown"
    run(raw, target, "--every", "3", "--axis", "0", "--jpeg")
    found = tasks(target)
    assert [name for name in found if name.startswith("clip")] == ["clip.avi#frame=0", "clip.avi#frame=3"]
    assert sum(name.startswith("volume") for name in found) == 12
    assert found["deep.tif"]["image"] == "/data/local-files/?d=shown/deep.tif.jpg"


def test_each_volume_of_a_file_is_a_sequence(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    write_nifti(tmp_path / "raw" / "series.nii", np.random.default_rng(0).normal(size=(6, 5, 3, 2)))
    run(tmp_path / "raw", tmp_path / "shown")
    found = [(data["sequence"], data["frame"]) for data in tasks(tmp_path / "shown").values()]
    assert found == [(f"series.nii#volume={volume}", frame) for volume in range(2) for frame in range(3)]


def test_a_dry_run_counts_and_writes_nothing(raw: Path, tmp_path: Path) -> None:
    result = run(raw, tmp_path / "shown", "--dry-run")
    assert "Pictures: 14. Files that are done: 0 of 9." in result.output
    assert "broken.tif" in result.output
    assert not (tmp_path / "shown").exists()


def test_links_to_nowhere_are_listed_and_pipes_passed_over(raw: Path, tmp_path: Path) -> None:
    (raw / "gone.tif").symlink_to("nowhere")
    os.mkfifo(raw / "pipe")
    result = run(raw, tmp_path / "shown")
    assert "gone.tif: It cannot be read: No such file or directory." in result.output
    assert "1 others" in result.output


def test_a_folder_that_cannot_be_made_is_said(raw: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    assert "cannot be made: Not a directory" in run(raw, tmp_path / "taken" / "shown").stderr
    (tmp_path / "shown").mkdir()
    (tmp_path / "shown" / "scans").write_text("a file")
    result = run(raw, tmp_path / "shown")
    assert "scans/IM4, scans/stack.tif: The folder" in result.output
    assert len(tasks(tmp_path / "shown")) == 10


def test_a_target_inside_the_source_is_not_taken_for_originals(raw: Path) -> None:
    run(raw, raw / "shown", MASKLOOP_LOCAL_FILES_ROOT=str(raw))
    assert "Done already: 8 of 9 files" in run(raw, raw / "shown", MASKLOOP_LOCAL_FILES_ROOT=str(raw)).output


def test_pictures_that_are_too_large_are_listed_and_the_others_prepared(raw: Path, tmp_path: Path) -> None:
    cv2.imwrite(str(raw / "large.png"), np.zeros((80, 80), dtype=np.uint8))
    result = run(raw, tmp_path / "shown", MASKLOOP_MAX_IMAGE_PIXELS="6000")
    assert "large.png: A picture has 80 x 80 pixels" in result.output
    assert len(tasks(tmp_path / "shown")) == 14


def test_pictures_with_many_channels_say_which_step_they_need(raw: Path, tmp_path: Path) -> None:
    channels = np.dstack([values() // number for number in range(1, 6)])
    tifffile.imwrite(raw / "five.tif", channels, photometric="minisblack", planarconfig="contig")
    assert "five.tif: The picture has 5 channels" in run(raw, tmp_path / "shown").output
    run(raw, tmp_path / "shown", "--steps", "channel:number=1")
    assert "five.tif" in tasks(tmp_path / "shown")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--steps", "sharpen"), "no pre-processor called 'sharpen'. Known names: bilateral"),
        (("--steps", "clahe:clip=much"), "clip must be a number, not 'much'"),
    ],
)
def test_wrong_steps_are_said_before_anything_is_done(
    raw: Path, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    result = run(raw, tmp_path / "shown", *arguments)
    assert result.exit_code == 1
    assert message in result.stderr
    assert not (tmp_path / "shown").exists()


def test_a_folder_without_pictures_is_said(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "has no TIFF" in run(tmp_path / "empty", tmp_path / "shown").stderr


def test_an_interrupted_command_goes_on_where_it_was(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    stack = np.random.default_rng(0).integers(0, 4096, (60, 512, 512)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "raw" / "stack.tif", stack, photometric="minisblack")
    target = tmp_path / "shown"
    target.mkdir()
    pipe = target / "stack.tif.page-00030.png.partial"
    os.mkfifo(pipe)  # whoever writes this picture waits until it is read
    command = [sys.executable, "-m", "scripts.prepare_images", str(tmp_path / "raw"), str(target)]
    process = subprocess.Popen(
        command, cwd=ROOT, env=clean_environment("MASKLOOP_"), stdout=subprocess.PIPE, text=True
    )
    with pipe.open("rb"):
        process.send_signal(signal.SIGINT)
    output = process.communicate(timeout=_PATIENCE_S)[0]
    assert process.returncode == 130
    assert "The same command goes on" in output
    written = {path: path.stat().st_mtime_ns for path in target.glob("*.png")}
    assert len(written) == 30
    assert not list(target.glob("*.partial"))
    assert run(tmp_path / "raw", target).exit_code == 0
    assert len(tasks(target)) == 60
    kept = [path for path, moment in written.items() if path.stat().st_mtime_ns == moment]
    assert len(kept) >= len(written) - 1
