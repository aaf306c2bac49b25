"""Shapes that a control can only hold with care: holes, separate parts, tags whose labels stand apart."""

from collections.abc import Callable

import numpy as np
import pytest

from backend.labelstudio.annotations import decode_annotation
from backend.labelstudio.label_config import LabelConfig
from backend.labelstudio.results import encode_region
from models.regions import Region
from scripts.label_studio_rest import LabelStudioRest
from tests.live.pictures import HEIGHT, WIDTH, Mask, two_objects
from tests.live.projects import LABEL, LiveTask, config_for, iou
from tests.live.ui import LabellingPage

BARE = f"""<View>
  <Image name="image" value="$image"/>
  <Brush name="out" toName="image" smart="false"/>
  <Labels name="label" toName="image"><Label value="{LABEL}" background="#ff0000"/></Labels>
</View>"""


def ring_with_satellite() -> Mask:
    """A ring, a disc inside its hole, and a disc beside it: holes and separate parts in one object."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    from_centre = np.hypot(rows - 120, columns - 110)
    beside = np.hypot(rows - 60, columns - 230) <= 25
    mask: Mask = (from_centre <= 90) & (from_centre >= 55) | (from_centre <= 25) | beside
    return mask


def check_shown_and_serialised(
    ui: LabellingPage, rest: LabelStudioRest, task: LiveTask, config: LabelConfig
) -> None:
    """Store the shape as an annotation, open it, and compare the screen and what the editor would save."""
    truth = ring_with_satellite()
    control, region = config.control("out"), Region.from_mask(truth)
    assert control is not None
    assert region is not None
    drawn = encode_region(region, control, LABEL, (HEIGHT, WIDTH))
    rest.call("POST", f"/api/tasks/{task.task}/annotations/", json={"result": drawn})
    ui.open_task(task)
    ui.screenshot(f"holes-{control.result_type}")
    ui.wait_until(lambda: ui.overlap_on_screen(truth) > 0.9)
    saved = decode_annotation(ui.results(), config.controls, {"image": (HEIGHT, WIDTH)})
    assert saved.problems == ()
    assert all(part.labels == (LABEL,) for part in saved.regions)
    union = np.logical_or.reduce([part.region.full_mask((HEIGHT, WIDTH)) for part in saved.regions])
    assert iou(union, truth) > 0.98


@pytest.mark.parametrize("kind", ["brush", "bitmask", "polygon", "vector"])
def test_holes_and_parts_are_shown_and_saved(
    ui: LabellingPage, make_task: Callable[..., LiveTask], rest: LabelStudioRest, kind: str
) -> None:
    config = LabelConfig.parse(config_for(kind))
    check_shown_and_serialised(ui, rest, make_task(two_objects(), kind=kind), config)


def test_a_bare_brush_keeps_the_label_of_the_labels_beside_it(
    ui: LabellingPage, rest: LabelStudioRest
) -> None:
    picture = two_objects()
    project = rest.create_project("Bare brush", BARE)
    task = LiveTask(project, rest.upload(project, picture.name, picture.content), picture)
    check_shown_and_serialised(ui, rest, task, LabelConfig.parse(BARE))
