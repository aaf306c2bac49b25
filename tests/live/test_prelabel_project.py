"""Pre-labels for a whole project at once, in a Label Studio that knows no model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from scripts.label_studio_rest import LabelStudioRest
from tests.live.commands import run_command
from tests.live.pictures import two_objects
from tests.live.projects import LiveTask, config_for, iou, region_mask
from tests.live.ui import LabellingPage

VERSION = "watershed-1"
N_TASKS = 12


@pytest.mark.parametrize("kind", ["brush", "bitmask", "polygon"])
def test_a_project_is_pre_labelled_at_once_and_only_once(
    rest: LabelStudioRest, ui: LabellingPage, tmp_path: Path, kind: str
) -> None:
    picture = two_objects()
    project = rest.create_project(f"bulk {kind}", config_for(kind))
    numbers = [rest.upload(project, f"{number}.png", picture.content) for number in range(N_TASKS - 1)]
    broken = rest.upload(project, "broken.png", b"no picture")
    versions = f"/api/projects/{project}/model-versions/"

    first = prelabel(rest.url, project, tmp_path)
    assert f"Task {broken}: This is not a picture" in first
    assert rest.call("GET", versions) == {VERSION: N_TASKS - 1}
    shown = rest.call("GET", f"/api/projects/{project}")
    assert (shown["model_version"], shown["show_collab_predictions"]) == (VERSION, True)
    for number in numbers:
        (prediction,) = rest.task(number)["predictions"]
        objects = [region_mask(region) for region in prediction["result"]]
        assert iou(np.logical_or.reduce(objects), picture.whole | picture.other) > 0.9

    second = prelabel(rest.url, project, tmp_path)
    assert f"{N_TASKS - 1} have these pre-labels already" in second
    assert "There is nothing to import" in second
    assert rest.call("GET", versions) == {VERSION: N_TASKS - 1}

    ui.open_task(LiveTask(project, numbers[0], picture))
    ui.wait_until(lambda: ui.overlap_on_screen(picture.whole | picture.other) > 0.85)


def prelabel(url: str, project: int, state_dir: Path) -> str:
    """The broken task makes it end with an error, whatever else was done."""
    return run_command(
        "prelabel_project", str(project), exit_code=1, LABEL_STUDIO_URL=url, STATE_DIR=state_dir
    )
