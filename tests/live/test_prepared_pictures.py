"""From 12-bit TIFF and turned photos to tasks in Label Studio, a smart click, and masks of the originals."""

from __future__ import annotations

import io
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from backend.labelstudio.client import LabelStudioClient
from backend.services.connection import Connection, connect
from scripts.backend_server import BackendServer
from scripts.label_studio_rest import LabelStudioRest
from scripts.label_studio_server import LabelStudioServer
from tests.live.commands import run_command
from tests.live.conftest import ROOT
from tests.live.pictures import HEIGHT, WIDTH, LivePicture, percent, turned_by_exif, two_objects
from tests.live.projects import LABEL, LiveTask, iou, region_mask
from tests.live.ui import LabellingPage

TEMPLATE = ROOT / "scripts" / "templates" / "side-by-side.xml"
_BOX_OF_ENHANCED = """() => {
  const box = document.querySelectorAll('img[alt="image"]')[1].getBoundingClientRect();
  return [box.x, box.y, box.width, box.height];
}"""
_BOTH_ARE_LOADED = """() => {
  const pictures = [...document.querySelectorAll('img[alt="image"]')];
  return pictures.length === 2 && pictures.every(each => each.naturalWidth > 0);
}"""


def originals(folder: Path) -> LivePicture:
    """A TIFF that uses 12 of its 16 bits, and a photo on its side; both show the same objects."""
    picture = two_objects()
    grey = np.asarray(Image.open(io.BytesIO(picture.content))).astype(np.uint16)
    folder.mkdir(parents=True)
    tifffile.imwrite(folder / "deep.tif", grey * 16)
    (folder / "turned.jpg").write_bytes(turned_by_exif().content)
    return picture


@pytest.fixture
def tasks(
    label_studio: LabelStudioServer,
    rest: LabelStudioRest,
    client: LabelStudioClient,
    backend: BackendServer,
) -> list[LiveTask]:
    """The tasks file of both originals, side by side, imported into a connected project."""
    root = label_studio.files_root
    picture = originals(root / "raw")
    shown = root / "shown"
    run_command("prepare_images", root / "raw", shown, "--side-by-side", LOCAL_FILES_ROOT=root)
    config = TEMPLATE.read_text(encoding="utf-8").replace(
        'value="$enhanced"', 'value="$enhanced" model_value="original"'
    )
    project = rest.create_project("prepared pictures", config)
    for folder in (root / "raw", shown):
        storage = {"project": project, "path": str(folder), "use_blob_urls": True, "regex_filter": "nothing"}
        rest.call("POST", "/api/storages/localfiles", json=storage)
    rest.call("PATCH", f"/api/projects/{project}/", json={"show_collab_predictions": False})
    connect(client, Connection(project, backend.url))
    rest.call("PATCH", f"/api/projects/{project}/", json={"show_collab_predictions": False})
    content = json.loads((shown / "tasks.json").read_text(encoding="utf-8"))
    imported = rest.call("POST", f"/api/projects/{project}/import?return_task_ids=true", json=content)
    return [LiveTask(project, number, picture) for number in imported["task_ids"]]


def test_masks_that_are_clicked_on_prepared_pictures_fit_the_originals(
    tasks: list[LiveTask],
    ui: LabellingPage,
    label_studio: LabelStudioServer,
    backend: BackendServer,
    tmp_path: Path,
) -> None:
    for row, task in enumerate(tasks):
        ui.open_task(task, row)
        ui.page.wait_for_function(_BOTH_ARE_LOADED)
        ui.auto_annotation()
        ui.auto_accept(on=False)
        x, y = percent(170, 210)
        ui.smart_tool("key-point-tool")
        ui.choose_label(LABEL, "clicks")
        left, top, width, height = ui.page.evaluate(_BOX_OF_ENHANCED)
        with ui.smart_answer() as received:
            ui.page.mouse.click(left + width * x / 100, top + height * y / 100)
        ui.screenshot(f"side-by-side-{row}")
        (region,) = received
        assert region["to_name"] == "enhanced"
        assert (region["original_height"], region["original_width"]) == (HEIGHT, WIDTH)
        assert iou(region_mask(region), task.picture.other) > 0.9
        ui.accept()
        ui.submit()

    assert "models look at the picture that people see" not in backend.log_path.read_text()

    project = f"--project={tasks[0].project}"
    run_command("export_masks", tmp_path, project, LABEL_STUDIO_URL=label_studio.url)
    disc = tasks[0].picture.other
    for name, expected in (("deep.tif", disc), ("turned.jpg", np.rot90(disc))):
        mask = np.asarray(cv2.imread(str(tmp_path / "raw" / f"{name}.png"), cv2.IMREAD_UNCHANGED))
        assert mask.shape == expected.shape
        assert iou(mask == 1, expected) > 0.9
