"""What an annotator can do besides clicking: strokes, corrections of hidden regions, labelled neighbours."""

import time
from collections.abc import Callable

import numpy as np

from scripts.label_studio_rest import LabelStudioRest
from tests.live.pictures import percent, two_objects
from tests.live.projects import LiveTask, iou, region_mask, stored_regions
from tests.live.ui import LabellingPage

LIGHT_SIDE, DARK_SIDE = (120, 65), (120, 115)  # pixels (row, column) on the two halves of the left object
DISC = (170, 210)
_DRAFT_TIMEOUT_S = 120


def wait_for_draft(rest: LabelStudioRest, task: LiveTask, n_regions: int) -> None:
    """Wait until Label Studio has saved a draft with so many regions, as annotators are told to."""
    deadline = time.monotonic() + _DRAFT_TIMEOUT_S
    while time.monotonic() < deadline:
        drafts = rest.call("GET", f"/api/tasks/{task.task}/drafts")
        if drafts and len({item["id"] for item in drafts[-1]["result"]}) == n_regions:
            return
        time.sleep(0.3)
    raise AssertionError(f"no draft with {n_regions} regions within {_DRAFT_TIMEOUT_S} s: {drafts}")


def test_strokes_of_hint_brushes_say_what_belongs_to_the_clicked_object(
    ui: LabellingPage, make_task: Callable[..., LiveTask], rest: LabelStudioRest
) -> None:
    task = make_task(two_objects(), kind="scribbles")
    ui.start_smart(task)
    ui.stroke(percent(90, 115), percent(150, 115), label="Not this", control="not-this", brush=2)
    wait_for_draft(rest, task, 1)
    (light,) = ui.smart_click(*percent(*LIGHT_SIDE), control="clicks")
    ui.screenshot("stroke-not-this")
    assert region_mask(light)[LIGHT_SIDE]
    assert not region_mask(light)[90:151, 115].any()
    ui.reject()  # the stroke still counts for the next try

    ui.stroke(percent(165, 200), percent(175, 220), label="This", control="this", brush=1)
    wait_for_draft(rest, task, 2)
    (both,) = ui.smart_click(*percent(*LIGHT_SIDE), control="clicks")
    ui.screenshot("stroke-this")
    assert region_mask(both)[LIGHT_SIDE]
    assert region_mask(both)[DISC]
    assert not region_mask(both)[90:151, 115].any()


def test_a_hidden_region_is_corrected_and_replaced(
    ui: LabellingPage, make_task: Callable[..., LiveTask], rest: LabelStudioRest
) -> None:
    task = make_task(two_objects())
    ui.start_smart(task)
    ui.smart_click(*percent(*LIGHT_SIDE))
    (drawn,) = ui.smart_click(*percent(*DARK_SIDE))
    ui.accept()
    wait_for_draft(rest, task, 1)
    ui.hide_or_show(0)

    (corrected,) = ui.smart_click(*percent(*DARK_SIDE), alt=True)
    ui.screenshot("hidden-region-corrected")
    assert corrected["id"] == drawn["id"]
    assert region_mask(corrected)[LIGHT_SIDE]
    assert not region_mask(corrected)[DARK_SIDE]
    ui.accept()
    ui.submit()
    (stored,) = stored_regions(rest, task)
    assert stored["id"] == drawn["id"]
    assert np.array_equal(region_mask(stored), region_mask(corrected))


def test_a_hidden_pre_label_is_corrected_before_anything_was_changed(
    ui: LabellingPage, make_task: Callable[..., LiveTask], rest: LabelStudioRest
) -> None:
    task = make_task(two_objects(), prelabels=True)
    ui.start_smart(task)
    before = {region["id"]: region_mask(region) for region in ui.results()}
    (disc_id,) = (region_id for region_id, mask in before.items() if mask[DISC])
    ui.hide_or_show(0)
    ui.hide_or_show(1)

    (corrected,) = ui.smart_click(*percent(150, 210), alt=True)
    ui.screenshot("pre-label-corrected")
    assert corrected["id"] == disc_id
    assert region_mask(corrected).any()
    assert not region_mask(corrected)[150, 210]
    ui.accept()
    ui.submit()
    stored = {region["id"]: region_mask(region) for region in stored_regions(rest, task)}
    assert stored.keys() == before.keys()
    assert np.array_equal(stored[disc_id], region_mask(corrected))


def test_masks_keep_off_what_was_painted_as_another_object(
    ui: LabellingPage, make_task: Callable[..., LiveTask], rest: LabelStudioRest
) -> None:
    task = make_task(two_objects(), kind="scribbles")
    ui.start_smart(task)
    ui.stroke(percent(155, 195), percent(185, 195), label="Other", control="masks", brush=0)
    wait_for_draft(rest, task, 1)
    (region,) = ui.smart_click(*percent(170, 225), control="clicks")
    ui.screenshot("kept-off")
    mask = region_mask(region)
    assert mask[170, 225]
    assert not mask[155:186, 195].any()
    assert not (mask & task.picture.whole).any()


def test_thirty_points_on_one_object_all_hold(ui: LabellingPage, make_task: Callable[..., LiveTask]) -> None:
    task = make_task(two_objects())
    ui.start_smart(task)
    places = [(row, column) for row in range(90, 151, 12) for column in (64, 74, 104, 114, 124)]
    for row, column in places[:-1]:
        ui.point(*percent(row, column))
    ui.wait_for_answers()
    (region,) = ui.smart_click(*percent(*places[-1]))
    ui.screenshot("thirty-points")
    mask = region_mask(region)
    assert len(places) == 30
    assert all(mask[place] for place in places)
    assert iou(mask, task.picture.whole) > 0.9


def test_the_answer_to_the_last_of_some_quick_clicks_stays_on_the_screen(
    ui: LabellingPage, make_task: Callable[..., LiveTask]
) -> None:
    task = make_task(two_objects())
    ui.start_smart(task)
    for column in (60, 70, 112):
        ui.point(*percent(120, column))
    ui.wait_for_answers()
    ui.screenshot("quick-clicks")
    assert ui.suggestion_count() == 1
    ui.wait_until(lambda: ui.overlap_on_screen(task.picture.whole) > 0.8)
