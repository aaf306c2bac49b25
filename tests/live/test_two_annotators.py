"""People who work at the same time get their own masks."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from scripts.label_studio_rest import LabelStudioRest
from tests.live.pictures import HEIGHT, WIDTH, Mask, percent, two_objects
from tests.live.projects import LABEL, LiveTask, region_mask
from tests.live.ui import LabellingPage

LEFT, RIGHT = (120, 65), (170, 210)  # pixels (row, column) on the left and the right object


def test_two_browsers_at_once_get_their_own_masks(
    open_window: Callable[[], LabellingPage], make_task: Callable[..., LiveTask]
) -> None:
    task = make_task(two_objects())
    left, right = open_window(), open_window()
    left.start_smart(task)
    right.start_smart(task)
    for _ in range(2):
        with left.smart_answer() as for_left, right.smart_answer() as for_right:
            left.point(*percent(*LEFT))
            right.point(*percent(*RIGHT))
        (left_region,), (right_region,) = for_left, for_right
        check_shown(left, region_mask(left_region), task.picture.light, task.picture.other)
        check_shown(right, region_mask(right_region), task.picture.other, task.picture.whole)
        left.reject()
        right.reject()


def test_many_clicks_at_once_on_two_tasks_get_their_own_masks(
    make_task: Callable[..., LiveTask], rest: LabelStudioRest
) -> None:
    task = make_task(two_objects())
    other = LiveTask(
        task.project, rest.upload(task.project, "second.png", task.picture.content), task.picture
    )
    (model,) = rest.models(task.project)
    clicks = [(each.task, place) for each in (task, other) for place in (LEFT, RIGHT)] * 4
    with ThreadPoolExecutor(8) as annotators:
        answers = list(
            annotators.map(lambda click: rest.smart_click(model["id"], click[0], [point(*click[1])]), clicks)
        )
    for (_, place), answer in zip(clicks, answers, strict=True):
        (region,) = answer["data"]["result"]
        wanted, unwanted = (
            (task.picture.light, task.picture.other)
            if place == LEFT
            else (task.picture.other, task.picture.whole)
        )
        assert is_only(region_mask(region), wanted, unwanted)


def check_shown(window: LabellingPage, mask: Mask, wanted: Mask, unwanted: Mask) -> None:
    assert is_only(mask, wanted, unwanted)
    window.wait_until(lambda: window.overlap_on_screen(mask) > 0.9)


def is_only(mask: Mask, wanted: Mask, unwanted: Mask) -> bool:
    """Whether the mask covers one object and nothing of the other."""
    return (mask & wanted).sum() > 0.8 * wanted.sum() and not (mask & unwanted).any()


def point(row: int, column: int) -> dict[str, Any]:
    """A smart point as the editor sends it."""
    x, y = percent(row, column)
    return {
        "id": f"{row}-{column}",
        "type": "keypointlabels",
        "from_name": "point",
        "to_name": "image",
        "origin": "manual",
        "original_width": WIDTH,
        "original_height": HEIGHT,
        "image_rotation": 0,
        "is_positive": True,
        "value": {"x": x, "y": y, "width": 0.3, "keypointlabels": [LABEL], "labels": [LABEL]},
    }
