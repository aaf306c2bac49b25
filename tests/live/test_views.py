"""Pictures that are not shown as they are stored: turned by EXIF, or by the annotator."""

from collections.abc import Callable

import numpy as np

from scripts.label_studio_rest import LabelStudioRest
from tests.live.pictures import HEIGHT, WIDTH, percent, turned_by_exif, two_objects
from tests.live.projects import LiveTask, iou, region_mask, stored_regions
from tests.live.ui import LabellingPage


def test_masks_fit_a_picture_that_is_turned_by_exif(
    ui: LabellingPage, make_task: Callable[..., LiveTask], rest: LabelStudioRest
) -> None:
    task = make_task(turned_by_exif())
    ui.start_smart(task)
    assert ui.natural_size_hw() == (HEIGHT, WIDTH)
    (region,) = ui.smart_click(*percent(170, 210))
    ui.screenshot("exif")
    mask = region_mask(region)
    assert iou(mask, task.picture.other) > 0.9
    ui.wait_until(lambda: ui.overlap_on_screen(mask) > 0.9)
    ui.accept()
    ui.submit()
    (stored,) = stored_regions(rest, task)
    assert np.array_equal(region_mask(stored), mask)


def test_pre_labels_fit_a_picture_that_is_turned_by_exif(
    ui: LabellingPage, make_task: Callable[..., LiveTask]
) -> None:
    task = make_task(turned_by_exif(), prelabels=True)
    ui.open_task(task)
    ui.wait_until(lambda: ui.overlap_on_screen(task.picture.whole | task.picture.other) > 0.85)


def test_a_click_in_a_turned_view_gives_the_object_under_the_pointer(
    ui: LabellingPage, make_task: Callable[..., LiveTask], rest: LabelStudioRest
) -> None:
    task = make_task(two_objects())
    ui.start_smart(task)
    ui.rotate_right()
    x, y = percent(170, 210)
    (region,) = ui.smart_click(100 - y, x)  # where the turn has moved the disc
    ui.screenshot("turned-view")
    mask = region_mask(region)
    assert iou(mask, task.picture.other) > 0.9
    ui.wait_until(lambda: ui.overlap_on_screen(mask, turned=True) > 0.9)
    ui.accept()
    ui.submit()
    (stored,) = stored_regions(rest, task)
    assert np.array_equal(region_mask(stored), mask)
