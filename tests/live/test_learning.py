"""What annotators submit makes the next task easier."""

from __future__ import annotations

import io
import subprocess
import sys
import time
from typing import Any

import numpy as np
import pytest
from PIL import Image

from backend.labelstudio.client import LabelStudioClient
from backend.labelstudio.label_config import LabelConfig
from backend.labelstudio.results import encode_region
from backend.services.connection import Connection, connect
from models.metrics import dice
from models.prelabel.otsu import Otsu
from models.regions import Region
from scripts.backend_server import BackendServer
from scripts.label_studio_rest import LabelStudioRest
from tests.live.pictures import LivePicture, Mask
from tests.live.projects import LABEL, LiveTask, config_for, region_mask, with_error_areas
from tests.live.stained_tiles import stained_tiles
from tests.live.ui import LabellingPage

_ANNOTATED = 12
_KEPT_BACK = (6, 5, 2)
"""Tiles that show both kinds of tissue."""
_LONGEST_WAIT_S = 420
_CONFIG = with_error_areas(config_for("brush"))
_OPTIONS = {"fit_after": _ANNOTATED, "fit_quiet_s": 600, "fit_seconds": 90, "select_after_fit": True}


@pytest.mark.timeout(1200)
def test_submitted_annotations_make_better_pre_labels_which_can_be_rolled_back(
    ui: LabellingPage, rest: LabelStudioRest, client: LabelStudioClient, backend: BackendServer
) -> None:
    project = rest.create_project("learning", _CONFIG)
    connect(client, Connection(project, backend.url, extra_params=_OPTIONS))
    tiles = stained_tiles()
    order = [*_KEPT_BACK, *(number for number in range(len(tiles)) if number not in _KEPT_BACK)]
    tasks = [
        LiveTask(project, rest.upload(project, tiles[number].name, tiles[number].content), tiles[number])
        for number in order
    ]
    new, asked, late = tasks[: len(_KEPT_BACK)]
    for task in tasks[len(_KEPT_BACK) :][:_ANNOTATED]:
        _annotate(rest, task)
    version = _wait_for_version(rest, asked, backend)
    queue = _wait_for_queue(rest, project)
    assert queue == f"{version}.q1"

    ui.open_task(new)
    ui.screenshot("learned-pre-labels")
    ui.wait_until(lambda: ui.overlap_on_screen(new.picture.whole) > 0.6)
    prediction = _prediction(rest, new)
    assert prediction["model_version"] == queue
    learned, otsu = _drawn(prediction, new.picture), _otsu(new.picture)
    assert dice(learned, new.picture.whole) > max(0.7, dice(otsu, new.picture.whole))

    _command(backend, "select_tasks", "--project", str(project), "--restore")
    assert rest.call("GET", f"/api/projects/{project}")["sampling"] == "Sequential sampling"
    _command(backend, "model_versions", "rollback", str(project))
    again = LiveTask(project, rest.upload(project, "again.png", late.picture.content), late.picture)
    assert _prediction(rest, again)["model_version"].startswith("watershed")


def _annotate(rest: LabelStudioRest, task: LiveTask) -> None:
    control = LabelConfig.parse(_CONFIG).control("out")
    if control is None:
        raise AssertionError("the config has no control called out")
    region = Region.from_mask(task.picture.whole, LABEL)
    size_hw = (task.picture.whole.shape[0], task.picture.whole.shape[1])
    result = [] if region is None else encode_region(region, control, LABEL, size_hw)
    rest.call("POST", f"/api/tasks/{task.task}/annotations", json={"result": result})


def _wait_for_version(rest: LabelStudioRest, task: LiveTask, backend: BackendServer) -> str:
    """Ask for pre-labels again and again, as a team would that waits for its model."""
    deadline = time.monotonic() + _LONGEST_WAIT_S
    version = ""
    while time.monotonic() < deadline:
        rest.retrieve_predictions(task.project, task.task)
        version = str(rest.task(task.task)["predictions"][-1]["model_version"])
        if version.startswith(f"unet-p{task.project}-"):
            return version
        time.sleep(2)
    raise AssertionError(f"still {version} after {_LONGEST_WAIT_S} s\n{_command(backend, 'jobs')}")


def _wait_for_queue(rest: LabelStudioRest, project: int) -> str:
    """The version that the project shows once the worker has put its tasks in order."""
    deadline = time.monotonic() + _LONGEST_WAIT_S
    while time.monotonic() < deadline:
        settings = rest.call("GET", f"/api/projects/{project}")
        if settings["sampling"] == "Uncertainty sampling":
            return str(settings["model_version"])
        time.sleep(1)
    raise AssertionError("the tasks keep their order")


def _command(backend: BackendServer, name: str, *arguments: str) -> str:
    command = [sys.executable, "-m", f"scripts.{name}", *arguments]
    done = subprocess.run(
        command, env=backend.environment, check=True, capture_output=True, timeout=300, text=True
    )
    return done.stdout


def _prediction(rest: LabelStudioRest, task: LiveTask) -> dict[str, Any]:
    """The newest prediction of a task; asks the model if there is none."""
    predictions = rest.task(task.task)["predictions"]
    return dict(max(predictions, key=lambda each: each["id"]))


def _drawn(prediction: dict[str, Any], picture: LivePicture) -> Mask:
    masks = [region_mask(region) for region in prediction["result"] if region["from_name"] == "out"]
    return np.asarray(np.logical_or.reduce([np.zeros_like(picture.whole), *masks]))


def _otsu(picture: LivePicture) -> Mask:
    found = Otsu().predict(np.array(Image.open(io.BytesIO(picture.content)).convert("RGB")))
    size_hw = (picture.whole.shape[0], picture.whole.shape[1])
    masks = [region.full_mask(size_hw) for region in found.regions]
    return np.asarray(np.logical_or.reduce([np.zeros_like(picture.whole), *masks]))
