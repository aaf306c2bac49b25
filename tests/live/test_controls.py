"""Every control that can receive an object does, and the editor stores what it was sent."""

from collections.abc import Callable

import pytest

from scripts.label_studio_rest import LabelStudioRest
from tests.live.pictures import percent, two_objects
from tests.live.projects import LABEL, LiveTask, iou, region_mask, stored_regions
from tests.live.ui import LabellingPage

# Share of the disc's union with the stored region; a disc fills pi/4 of its bounding rectangle.
LEAST_OVERLAP = {
    "brush": 0.9,
    "bitmask": 0.9,
    "polygon": 0.9,
    "vector": 0.9,
    "ellipse": 0.9,
    "rectangle": 0.7,
}


@pytest.mark.parametrize("kind", LEAST_OVERLAP)
def test_an_object_can_be_clicked_accepted_and_stored(
    ui: LabellingPage, make_task: Callable[..., LiveTask], rest: LabelStudioRest, kind: str
) -> None:
    task = make_task(two_objects(), kind=kind)
    ui.start_smart(task)
    (sent,) = ui.smart_click(*percent(170, 210))
    ui.screenshot(f"control-{kind}")
    ui.wait_until(lambda: bool(ui.painted().any()))
    ui.accept()
    ui.submit()
    (stored,) = stored_regions(rest, task)
    assert (stored["from_name"], stored["type"]) == ("out", f"{kind}labels")
    assert stored["value"][f"{kind}labels"] == [LABEL]
    assert iou(region_mask(stored), task.picture.other) > LEAST_OVERLAP[kind]
    assert iou(region_mask(stored), region_mask(sent)) > 0.99
