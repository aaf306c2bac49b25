"""From originals to pictures, from annotations of these to masks that fit the originals, pixel by pixel."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
import typer
from numpy.typing import NDArray
from PIL import Image
from typer.testing import CliRunner, Result

from backend.labelstudio.rle import encode
from scripts import export_masks, prepare_images
from tests.fakes.bulk_label_studio import BulkLabelStudio
from tests.fakes.source_pictures import values, write_dicom, write_nifti, write_turned_jpeg, write_video

CONFIG = """<View>
  <Image name="image" value="$image"/>
  <BrushLabels name="out" toName="image"><Label value="Other"/><Label value="Bright"/></BrushLabels>
</View>"""
_BRIGHT = 190


def invoke(command: Any, *arguments: str | Path, **environment: str | None) -> Result:
    app = typer.Typer()
    app.command()(command)
    settings = {"MASKLOOP_LOCAL_FILES_ROOT": None} | environment
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env=settings)


def annotated(number: int, root: Path, data: dict[str, Any]) -> dict[str, Any]:
    """A task on which somebody painted exactly what is bright in the picture that is shown."""
    shown = np.asarray(Image.open(root / data["image"].removeprefix("/data/local-files/?d=")).convert("L"))
    rle = encode(shown > _BRIGHT)
    item = {
        "id": "r1",
        "type": "brushlabels",
        "from_name": "out",
        "to_name": "image",
        "original_height": shown.shape[0],
        "original_width": shown.shape[1],
        "value": {"format": "rle", "rle": rle, "brushlabels": ["Bright"]},
    }
    annotation = {"id": number, "result": [item], "updated_at": "2026-01-01T00:00:00Z"}
    return {"id": number, "data": data, "annotations": [annotation]}


def prepared_and_annotated(root: Path) -> list[dict[str, Any]]:
    invoke(prepare_images.main, root / "raw", root / "shown")
    tasks = json.loads((root / "shown" / "tasks.json").read_text(encoding="utf-8"))
    return [annotated(number, root, task["data"]) for number, task in enumerate(tasks, start=1)]


def exported(root: Path, tasks: list[dict[str, Any]], *arguments: str) -> Result:
    (root / "export.json").write_text(json.dumps(tasks), encoding="utf-8")
    (root / "config.xml").write_text(CONFIG, encoding="utf-8")
    files = ("--export", str(root / "export.json"), "--config", str(root / "config.xml"))
    return invoke(export_masks.main, root / "masks", *files, *arguments)


def mask(root: Path, name: str) -> NDArray[Any]:
    return np.asarray(cv2.imread(str(root / "masks" / "raw" / f"{name}.png"), cv2.IMREAD_UNCHANGED))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "raw").mkdir()
    return tmp_path


def test_masks_lie_on_the_pixels_of_every_kind_of_original(root: Path) -> None:
    raw = root / "raw"
    stack = np.stack([values(number=number) for number in range(3)])
    volume = np.zeros((20, 30, 4), dtype=np.int16)
    volume[3:9, 4:20, 1:3] = 500
    tifffile.imwrite(raw / "stack.tif", stack, photometric="minisblack")
    tifffile.imwrite(raw / "turned.tif", values(), extratags=[(274, "H", 1, 5, True)])
    tifffile.imwrite(raw / "float.tif", values(np.float32, bright=1e6))
    cv2.imwrite(str(raw / "deep.png"), values())
    write_dicom(raw / "ct.dcm", values(np.int16), WindowCenter=2000, WindowWidth=4000)
    write_dicom(raw / "frames.dcm", stack)
    write_nifti(raw / "volume.nii.gz", volume, axes="LAS", window=(0, 500))
    tasks = prepared_and_annotated(root)
    assert exported(root, tasks).exit_code == 0

    bright = values() == 4095
    for name in ("turned.tif", "float.tif", "deep.png", "ct.dcm"):
        assert np.array_equal(mask(root, name), bright * 2), name
    for number in range(3):
        expected = (stack[number] == 4095) * 2
        assert np.array_equal(mask(root, f"stack.tif.page-{number:05d}"), expected)
        assert np.array_equal(mask(root, f"frames.dcm.frame-{number:05d}"), expected)
    for number in range(4):
        expected = (volume[:, :, number] == 500) * 2
        assert np.array_equal(mask(root, f"volume.nii.gz.axis-2.slice-{number:05d}"), expected)
    legend = json.loads((root / "masks" / "legend.json").read_text())
    assert legend == {"numbers": "labels", "labels": {"1": "Other", "2": "Bright"}}


@pytest.mark.parametrize("orientation", range(1, 9))
def test_masks_of_turned_photos_lie_on_the_pixels_as_they_are_stored(root: Path, orientation: int) -> None:
    write_turned_jpeg(root / "raw" / "photo.jpg", orientation)
    assert exported(root, prepared_and_annotated(root)).exit_code == 0
    with Image.open(root / "raw" / "photo.jpg") as photo:
        stored = np.asarray(photo)
    assert np.array_equal(mask(root, "photo.jpg"), (stored > _BRIGHT) * 2)


def test_masks_of_frames_lie_on_the_pixels_of_the_video(root: Path) -> None:
    write_video(root / "raw" / "clip.avi", 3)
    assert exported(root, prepared_and_annotated(root)).exit_code == 0
    video = cv2.VideoCapture(str(root / "raw" / "clip.avi"))
    for number in range(3):
        frame = video.read()[1]
        grey = np.asarray(Image.fromarray(frame[:, :, ::-1]).convert("L"))
        assert np.array_equal(mask(root, f"clip.avi.frame-{number:05d}"), (grey > _BRIGHT) * 2)
    video.release()


def test_the_numbers_of_objects_are_explained_for_each_mask(root: Path) -> None:
    cv2.imwrite(str(root / "raw" / "deep.png"), values())
    assert exported(root, prepared_and_annotated(root), "--objects").exit_code == 0
    legend = json.loads((root / "masks" / "legend.json").read_text())
    assert legend == {"numbers": "objects", "masks": {"raw/deep.png": {"1": "Bright"}}}
    assert np.array_equal(mask(root, "deep.png"), values() == 4095)


def test_a_project_is_read_from_label_studio(root: Path) -> None:
    cv2.imwrite(str(root / "raw" / "deep.png"), values())
    (task,) = prepared_and_annotated(root)
    studio = BulkLabelStudio(CONFIG, {1: task["data"]}, finished={1}, annotations={1: task["annotations"]})
    with studio.connected(root, root / "state") as environment:
        result = invoke(export_masks.main, root / "masks", "--project", "1", **environment)
    assert result.exit_code == 0, result.output
    assert np.array_equal(mask(root, "deep.png"), (values() == 4095) * 2)
    assert studio.writes == []


def test_what_cannot_be_written_is_listed_and_the_rest_is_written(root: Path) -> None:
    cv2.imwrite(str(root / "raw" / "deep.png"), values())
    (task,) = prepared_and_annotated(root)
    unknown = {"id": 2, "data": {"image": "x"}, "annotations": [{"id": 9, "result": []}]}
    result = exported(root, [task, unknown, task])
    assert result.exit_code == 1
    assert "Task 2: Nothing was drawn" in result.output
    assert "There is a mask called raw/deep.png already" in result.output
    assert mask(root, "deep.png").any()


@pytest.mark.parametrize("content", ["{}", "[1]", "no json", '[{"id": 1}]'])
def test_another_file_is_no_export(root: Path, content: str) -> None:
    (root / "export.json").write_text(content)
    (root / "config.xml").write_text(CONFIG)
    files = ("--export", root / "export.json", "--config", root / "config.xml")
    result = invoke(export_masks.main, root / "masks", *files)
    assert result.exit_code == 1
    assert "is no export" in result.stderr


@pytest.mark.parametrize(
    "arguments", [(), ("--project", "1", "--config", "config.xml"), ("--export", "a.json")]
)
def test_it_wants_to_know_where_annotations_are(
    root: Path, arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root)
    for name in ("a.json", "config.xml"):
        (root / name).write_text("")
    assert "Give --project" in invoke(export_masks.main, root / "masks", *arguments).stderr
