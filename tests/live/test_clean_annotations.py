"""Submitted masks cleaned: the annotation stays, and the cleaner one is a tab beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import expect

from backend.labelstudio.label_config import LabelConfig
from backend.labelstudio.results import encode_region
from models.regions import Region
from scripts.label_studio_rest import LabelStudioRest
from tests.live.commands import run_command
from tests.live.pictures import HEIGHT, WIDTH, Mask, two_objects
from tests.live.projects import LABEL, LiveTask, config_for, iou, region_mask
from tests.live.ui import LabellingPage

NOTE = "fill-holes: 48 px added in 1 place; drop-fragments: 30 px removed in 2 places"


@pytest.mark.parametrize("kind", ["brush", "bitmask"])
def test_the_cleaned_mask_is_a_tab_beside_the_annotation_which_stays(
    rest: LabelStudioRest, ui: LabellingPage, tmp_path: Path, kind: str
) -> None:
    picture = two_objects()
    config = config_for(kind)
    project = rest.create_project(f"clean {kind}", config)
    dirty, tidy = (rest.upload(project, f"{name}.png", picture.content) for name in ("dirty", "tidy"))
    untidy = picture.whole.copy()
    untidy[100:106, 80:88] = False
    untidy[10:13, 200:205] = untidy[20:23, 230:235] = True
    drawn = annotate(rest, config, dirty, untidy)
    annotate(rest, config, tidy, picture.whole)

    assert "Predictions imported: 1" in clean(rest.url, project, tmp_path)
    task = rest.task(dirty)
    (annotation,) = task["annotations"]
    assert annotation["result"] == drawn
    (prediction,) = [each for each in task["predictions"] if each["model_version"] == "cleaned-1"]
    (region,) = prediction["result"]
    assert region["meta"] == {"text": [NOTE]}
    assert np.array_equal(region_mask(region), picture.whole)
    assert rest.call("GET", f"/api/projects/{project}")["model_version"] != "cleaned-1"
    assert "Predictions imported: 0" in clean(rest.url, project, tmp_path)

    ui.open_task(LiveTask(project, dirty, picture))
    ui.wait_until(lambda: 0.9 < ui.overlap_on_screen(untidy) > ui.overlap_on_screen(picture.whole))
    ui.open_tab("cleaned-1")
    ui.wait_until(lambda: ui.overlap_on_screen(untidy) < ui.overlap_on_screen(picture.whole) > 0.9)
    ui.show_region_details(0)
    expect(ui.page.locator("body")).to_contain_text(NOTE, use_inner_text=True)
    ui.screenshot(f"cleaned-{kind}")

    assert "Version cleaned-1: 1 predictions deleted." in clean(rest.url, project, tmp_path, "--clear")
    assert iou(region_mask(rest.task(dirty)["annotations"][0]["result"][0]), untidy) == 1


def annotate(rest: LabelStudioRest, config: str, task: int, mask: Mask) -> list[dict[str, Any]]:
    """Submit a mask as an annotation and return it as Label Studio stores it."""
    control = LabelConfig.parse(config).control("out")
    region = Region.from_mask(mask)
    assert control is not None
    assert region is not None
    result = encode_region(region, control, LABEL, (HEIGHT, WIDTH))
    path = f"/api/tasks/{task}/annotations/"
    return list(rest.call("POST", path, json={"result": result, "lead_time": 5})["result"])


def clean(url: str, project: int, state_dir: Path, *arguments: str) -> str:
    options = [f"--project={project}", "--least-change=0.001", *arguments]
    return run_command("clean_annotations", *options, LABEL_STUDIO_URL=url, STATE_DIR=state_dir)
