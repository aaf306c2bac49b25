"""Opening a task."""

from collections.abc import Callable

import numpy as np

from scripts.label_studio_rest import LabelStudioRest
from tests.live.pictures import two_objects
from tests.live.projects import LiveTask, iou, region_mask
from tests.live.ui import LabellingPage


def test_opening_a_task_shows_pre_labels_on_its_objects(
    ui: LabellingPage, make_task: Callable[..., LiveTask], rest: LabelStudioRest
) -> None:
    task = make_task(two_objects(), prelabels=True)
    ui.open_task(task)
    ui.screenshot("pre-labels")
    objects = task.picture.whole | task.picture.other
    ui.wait_until(lambda: ui.overlap_on_screen(objects) > 0.85)
    stored = [region_mask(region) for region in rest.task(task.task)["predictions"][0]["result"]]
    assert iou(np.logical_or.reduce(stored), objects) > 0.9


def test_the_label_stream_shows_pre_labels(ui: LabellingPage, make_task: Callable[..., LiveTask]) -> None:
    task = make_task(two_objects(), prelabels=True)
    ui.open_stream(task)
    ui.wait_until(lambda: ui.overlap_on_screen(task.picture.whole | task.picture.other) > 0.85)


def test_pre_labels_can_be_submitted_as_they_are(
    ui: LabellingPage, make_task: Callable[..., LiveTask], rest: LabelStudioRest
) -> None:
    task = make_task(two_objects(), prelabels=True)
    ui.open_task(task)
    ui.submit()
    stored = rest.task(task.task)
    (annotation,) = stored["annotations"]
    predicted = stored["predictions"][0]["result"]
    assert len(annotation["result"]) == len(predicted) == 2
    for region, origin in zip(annotation["result"], predicted, strict=True):
        assert np.array_equal(region_mask(region), region_mask(origin))
