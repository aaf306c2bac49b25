from typing import Any

import numpy as np
import pytest

from backend.labelstudio import rle
from backend.labelstudio.annotations import decode_annotation
from backend.labelstudio.click_requests import ClickRequests
from backend.labelstudio.label_config import LabelConfig
from backend.labelstudio.payloads import Task, parse_predict
from backend.labelstudio.prompts import PromptGroup
from tests.fixtures.recorded import recorded_request

HEIGHT, WIDTH = 100, 200
TWO_LABELS = '<Label value="Cell"/><Label value="Egg"/>'
CONFIG = LabelConfig.parse(
    f"""<View><Image name="image" value="$image"/>
    <BrushLabels name="brush" toName="image">{TWO_LABELS}</BrushLabels>
    <BrushLabels name="this" toName="image" hint="positive"><Label value="This"/></BrushLabels>
    <BrushLabels name="not" toName="image" hint="negative"><Label value="Not this"/></BrushLabels>
    <BrushLabels name="check" toName="image" model_error_areas="true">{TWO_LABELS}</BrushLabels>
    <KeyPointLabels name="kp" toName="image" smart="true">{TWO_LABELS}</KeyPointLabels>
    <RectangleLabels name="rect" toName="image" smart="true">{TWO_LABELS}</RectangleLabels></View>"""
)
INSIDE, OUTSIDE = (20, 30), (80, 150)  # pixels (row, column) in and beside the object


def item(name: str, kind: str, value: dict[str, Any], label: str, **more: Any) -> dict[str, Any]:
    common = {"to_name": "image", "original_width": WIDTH, "original_height": HEIGHT}
    return {**common, "from_name": name, "type": kind, "value": {**value, kind: [label]}, **more}


def point(place: tuple[int, int], point_id: str = "p", *, positive: bool = True) -> dict[str, Any]:
    value = {"x": (place[1] + 0.5) / WIDTH * 100, "y": (place[0] + 0.5) / HEIGHT * 100}
    return item("kp", "keypointlabels", value, "Cell", id=point_id, is_positive=positive)


def rectangle(rectangle_id: str, x: float = 10) -> dict[str, Any]:
    value = {"x": x, "y": 10, "width": 20, "height": 20, "rotation": 0}
    return item("rect", "rectanglelabels", value, "Cell", id=rectangle_id)


def stroke(name: str, row: int, stroke_id: str = "s") -> dict[str, Any]:
    percent = row / HEIGHT * 100
    touch = {"type": "add", "relativePoints": [20, percent, 80, percent], "relativeStrokeWidth": 3}
    return item(name, "brushlabels", {"format": "rle", "touches": [touch]}, "This", id=stroke_id)


def drawn(label: str = "Cell", region_id: str = "object", margin: int = 0) -> dict[str, Any]:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[10 - margin : 30 + margin, 20 - margin : 60 + margin] = 255
    return item("brush", "brushlabels", {"format": "rle", "rle": rle.encode(mask > 0)}, label, id=region_id)


def read(draft: list[Any], *prompts: dict[str, Any]) -> tuple[PromptGroup, ...]:
    return ClickRequests().read(Task(1, 1, {}, tuple(draft)), prompts, CONFIG)


def test_a_stroke_comes_before_the_click_as_one_row_under_one_id() -> None:
    (group,) = read([stroke("this", 50), stroke("not", 90, "n")], point(OUTSIDE))
    signs = [click.positive for click in group.prompts.clicks]
    n_positive = signs.index(False)
    assert n_positive > 10
    assert signs[-1] and not any(signs[n_positive:-1])
    assert {round(click.row) for click in group.prompts.clicks[:n_positive]} <= {49, 50}
    assert group.prompt_ids == ("s",) * n_positive + ("n",) * (len(signs) - n_positive - 1) + ("p",)


def test_a_stroke_joins_a_rectangle_whose_id_stays_first() -> None:
    (group,) = read([stroke("not", 50)], rectangle("r"))
    assert group.prompts.box is not None
    assert group.prompts.clicks
    assert group.prompt_ids == ("r", *["s"] * len(group.prompts.clicks))


def test_nobody_knows_which_of_two_rectangles_a_stroke_means() -> None:
    assert [
        group.prompts.clicks for group in read([stroke("not", 50)], rectangle("a"), rectangle("b", 50))
    ] == [
        (),
        (),
    ]


def test_a_positive_stroke_gives_a_negative_click_an_object() -> None:
    (group,) = read([stroke("this", 50)], point(OUTSIDE, positive=False))
    assert group.prompts.has_positive


def test_marks_of_error_areas_are_no_objects() -> None:
    mark = {**drawn(), "from_name": "check"}
    (group,) = read([stroke("this", 50), mark], point(INSIDE))
    assert (group.refine, group.others) == (None, ())
    assert "s" in group.prompt_ids


def test_a_stroke_drawn_before_an_object_has_done_its_work() -> None:
    (group,) = read([stroke("this", 70), drawn()], point(OUTSIDE))
    assert group.prompt_ids == ("p",)


def test_a_stroke_is_not_used_for_the_next_object_while_the_draft_is_behind() -> None:
    requests, task = ClickRequests(), Task(1, 1, {}, (stroke("this", 50),))
    first, both, following = (
        requests.read(task, prompts, CONFIG)[0].prompt_ids
        for prompts in (
            [point(OUTSIDE, "a")],
            [point(OUTSIDE, "a"), point(OUTSIDE, "b")],
            [point(OUTSIDE, "c")],
        )
    )
    assert "s" in first
    assert "s" in both
    assert following == ("c",)


@pytest.mark.parametrize(
    ("later", "used"),
    [
        ([stroke("this", 50)], True),
        ([stroke("this", 50), point(OUTSIDE, "a")], False),
        ([stroke("this", 50), drawn()], False),
    ],
    ids=["rejected", "still-waiting", "accepted"],
)
def test_a_stroke_is_used_again_once_its_object_was_rejected(later: list[Any], used: bool) -> None:
    requests = ClickRequests()
    requests.read(Task(1, 1, {}, (stroke("this", 50),), "07:45"), [point(OUTSIDE, "a")], CONFIG)
    (group,) = requests.read(Task(1, 1, {}, tuple(later), "07:46"), [point(OUTSIDE, "b")], CONFIG)
    assert ("s" in group.prompt_ids) == used


@pytest.mark.parametrize("positive", [True, False])
def test_a_first_click_inside_an_object_of_that_label_corrects_it(positive: bool) -> None:
    (group,) = read([drawn()], point(INSIDE, positive=positive), point(OUTSIDE, "q"))
    assert group.refine is not None
    assert (group.refine.box, group.refine_id) == ((10, 20, 30, 60), "object")
    assert group.others == ()


def test_of_nested_objects_the_inner_one_is_corrected() -> None:
    (group,) = read([drawn(margin=5, region_id="outer"), drawn()], point(INSIDE))
    assert group.refine_id == "object"
    assert [other.box for other in group.others] == [(5, 15, 35, 65)]


@pytest.mark.parametrize("prompts", [[point(OUTSIDE), point(INSIDE, "q", positive=False)], [rectangle("r")]])
def test_an_object_that_is_not_clicked_first_is_only_kept_off(prompts: list[Any]) -> None:
    (group,) = read([drawn()], *prompts)
    assert (group.refine, group.refine_id) == (None, "")
    assert [other.box for other in group.others] == [(10, 20, 30, 60)]


@pytest.mark.parametrize("positive", [True, False])
def test_a_first_click_inside_a_pre_label_corrects_it_while_there_is_no_draft(positive: bool) -> None:
    task = Task(1, 1, {}, prelabels=(drawn(), drawn(margin=5, region_id="outer")))
    (group,) = ClickRequests().read(task, [point(INSIDE, positive=positive)], CONFIG)
    assert group.refine_id == "object"
    assert group.others == ()


def test_an_object_of_another_label_is_not_corrected() -> None:
    (group,) = read([drawn("Egg")], point(INSIDE))
    assert group.refine is None
    assert len(group.others) == 1


def test_a_lone_negative_click_beside_all_objects_means_nothing() -> None:
    assert read([drawn()], point(OUTSIDE, positive=False)) == ()


@pytest.mark.parametrize(
    "useless",
    [
        None,
        {},
        {"to_name": "image", "from_name": "brush"},
        {**drawn(region_id="bad"), "value": 3},
        {**drawn(region_id="bad"), "value": {"rle": [1, 2, 3]}},
        {**drawn(region_id="bad"), "value": {"rle": [999]}},
        {**drawn(region_id="bad"), "original_width": 7},
        {**stroke("this", 50), "value": {"touches": "x"}},
        {**drawn(region_id="bad"), "to_name": "elsewhere"},
        point(INSIDE, "pending"),
    ],
)
def test_a_click_does_not_fail_because_of_something_useless_in_the_draft(useless: Any) -> None:
    (group,) = read([useless, drawn()], point(OUTSIDE))
    assert group.prompt_ids == ("p",)
    assert len(group.others) == 1


def test_a_changed_region_is_read_anew() -> None:
    requests = ClickRequests()
    for margin in (0, 5):
        (group,) = requests.read(Task(1, 1, {}, (drawn(margin=margin),)), [point(OUTSIDE)], CONFIG)
        assert group.others[0].box == (10 - margin, 20 - margin, 30 + margin, 60 + margin)


def test_strokes_are_no_objects_and_receive_none() -> None:
    assert decode_annotation([stroke("this", 50)], CONFIG.controls).regions == ()
    assert [control.name for control in CONFIG.outputs("image")] == ["brush"]


def recorded(name: str) -> tuple[PromptGroup, ...]:
    body = recorded_request(name).json
    request = parse_predict(body)
    config = LabelConfig.parse(request.label_config.replace('name="hint"', 'name="hint" hint="positive"'))
    assert request.context is not None
    return ClickRequests().read(request.tasks[0], request.context, config)


def test_the_editors_click_in_a_hidden_region_corrects_it() -> None:
    (group,) = recorded("ui_drafts-click_in_a_hidden_region")
    assert group.refine_id == "ans1"
    assert len(group.prompts.clicks) == 1


def test_the_editors_stroke_for_an_object_that_was_accepted_is_not_used_again() -> None:
    (group,) = recorded("ui_drafts-next_object_after_a_scribble")
    assert all(click.positive for click in group.prompts.clicks)
    assert (len(group.prompts.clicks), len(group.others)) == (2, 1)


def test_the_editors_stroke_is_read_from_the_movements_of_its_brush() -> None:
    request = parse_predict(recorded_request("ui_drafts-next_object_after_a_scribble").json)
    config = LabelConfig.parse(request.label_config.replace('name="hint"', 'name="hint" hint="negative"'))
    (task,) = request.tasks
    assert request.context is not None
    (group,) = ClickRequests().read(Task(task.id, 1, {}, task.draft[:1]), request.context, config)
    row = [click for click in group.prompts.clicks if not click.positive]
    assert len(row) > 5
    for place in ((100, 60), (130, 70), (140, 90)):  # where the pointer was pressed, turned and released
        assert min(np.hypot(click.row - place[0], click.column - place[1]) for click in row) < 8
