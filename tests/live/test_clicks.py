"""Smart points and rectangles: the mask on the screen, and the mask that is stored."""

from collections.abc import Callable

import numpy as np

from scripts.label_studio_rest import LabelStudioRest
from tests.live.pictures import Mask, percent, two_objects
from tests.live.projects import LiveTask, iou, region_mask, stored_regions
from tests.live.ui import LabellingPage

LIGHT_SIDE, DARK_SIDE = (120, 65), (120, 115)  # pixels (row, column) on the two halves of the left object


def shown_mask(ui: LabellingPage, answer: list[dict[str, object]]) -> Mask:
    """The answer's only mask, after checking that it is what the screen shows."""
    (region,) = answer
    mask = region_mask(region)
    ui.wait_until(lambda: ui.overlap_on_screen(mask) > 0.9)
    return mask


def test_points_grow_and_shrink_the_mask_and_what_is_stored_is_what_was_sent(
    ui: LabellingPage, make_task: Callable[..., LiveTask], rest: LabelStudioRest
) -> None:
    task = make_task(two_objects())
    ui.start_smart(task)

    first = shown_mask(ui, ui.smart_click(*percent(*LIGHT_SIDE)))
    ui.screenshot("click-1-positive")
    assert first[LIGHT_SIDE]
    assert not (first & task.picture.other).any()

    both = shown_mask(ui, ui.smart_click(*percent(*DARK_SIDE)))
    ui.screenshot("click-2-positive")
    assert both[LIGHT_SIDE]
    assert both[DARK_SIDE]
    assert iou(both, task.picture.whole) > 0.9

    answer = ui.smart_click(*percent(100, 125), alt=True)
    smaller = shown_mask(ui, answer)
    ui.screenshot("click-3-negative")
    assert smaller[LIGHT_SIDE]
    assert not smaller[100, 125]

    ui.accept()
    ui.screenshot("click-4-accepted")
    ui.wait_until(lambda: ui.overlap_on_screen(smaller) > 0.9)
    ui.submit()
    (stored,) = stored_regions(rest, task)
    assert np.array_equal(region_mask(stored), smaller)
    assert stored["id"] == answer[0]["id"]


def test_a_smart_rectangle_becomes_the_mask_of_the_object_inside(
    ui: LabellingPage, make_task: Callable[..., LiveTask], rest: LabelStudioRest
) -> None:
    task = make_task(two_objects())
    ui.start_smart(task)
    mask = shown_mask(ui, ui.smart_rectangle(percent(130, 170), percent(210, 250)))
    ui.screenshot("rectangle")
    assert iou(mask, task.picture.other) > 0.9
    ui.accept()
    ui.submit()
    (stored,) = stored_regions(rest, task)
    assert np.array_equal(region_mask(stored), mask)


def test_rejecting_takes_the_mask_away(ui: LabellingPage, make_task: Callable[..., LiveTask]) -> None:
    task = make_task(two_objects())
    ui.start_smart(task)
    ui.smart_click(*percent(*LIGHT_SIDE))
    ui.reject()
    ui.wait_until(lambda: not ui.painted().any())
    assert ui.results() == []


def test_a_negative_point_alone_shows_nothing(ui: LabellingPage, make_task: Callable[..., LiveTask]) -> None:
    task = make_task(two_objects())
    ui.start_smart(task)
    assert ui.smart_click(*percent(*LIGHT_SIDE), alt=True) == []


def test_a_pre_label_is_replaced_by_deleting_it_and_clicking(
    ui: LabellingPage, make_task: Callable[..., LiveTask], rest: LabelStudioRest
) -> None:
    task = make_task(two_objects(), prelabels=True)
    ui.start_smart(task)
    assert len(ui.results()) == 2
    ui.delete_region_at(*percent(170, 210))
    (sent,) = ui.smart_click(*percent(170, 210))
    ui.screenshot("pre-label-replaced")
    ui.accept()
    ui.submit()
    stored = stored_regions(rest, task)
    assert len(stored) == 2
    (kept,) = [region for region in stored if region["id"] == sent["id"]]
    assert iou(region_mask(kept), task.picture.other) > 0.9
