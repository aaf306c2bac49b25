import json
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.labelstudio import png
from backend.labelstudio.annotations import AnnotatedRegion, DecodedAnnotation, decode_annotation
from backend.labelstudio.controls import Control
from backend.labelstudio.label_config import LabelConfig
from backend.labelstudio.results import ResultOptions, encode_choices, encode_region
from models.arrays import Mask
from tests.fixtures.recorded import recorded_request
from tests.unit.labelstudio.drawing import BARE_CONTROLS, CONTROLS, UNLABELLED_CONTROLS
from tests.unit.labelstudio.shapes import blob, block, disc, hard_masks, iou, line, region_of, size_of

SIZE = (60, 80)
DISC = disc(80, 20)[:60]
EXACT = ("brush", "bitmask")
OUTLINED = ("polygon", "vector")


def items_of(control: Control, mask: Mask = DISC, **more: Any) -> list[dict[str, Any]]:
    return encode_region(region_of(mask), control, "Cell", size_of(mask), **more)


def decoded(
    items: Any, controls: dict[str, Control] | None = None, **sizes_hw: tuple[int, int]
) -> DecodedAnnotation:
    return decode_annotation(items, (controls or CONTROLS).values(), sizes_hw)


def drawn(annotation: DecodedAnnotation, size_hw: tuple[int, int]) -> Mask:
    assert annotation.problems == ()
    full = np.zeros(size_hw, dtype=bool)
    for each in annotation.regions:
        full |= each.region.full_mask(size_hw)
    return full


def only(annotation: DecodedAnnotation) -> AnnotatedRegion:
    assert annotation.problems == ()
    (found,) = annotation.regions
    return found


def rectangle_item(**changes: Any) -> dict[str, Any]:
    return {**items_of(CONTROLS["rectangle"], region_id="r1")[0], **changes}


def value_item(control: str, value: Any, **changes: Any) -> dict[str, Any]:
    return {
        **rectangle_item(),
        "from_name": control,
        "type": f"{CONTROLS[control].kind.value}labels",
        "value": value,
    } | changes


@pytest.mark.parametrize("controls", [CONTROLS, BARE_CONTROLS])
@pytest.mark.parametrize("name", EXACT)
@pytest.mark.parametrize("shape", hard_masks())
def test_masks_come_back_pixel_for_pixel(name: str, shape: str, controls: dict[str, Control]) -> None:
    mask = hard_masks()[shape]
    annotation = decoded(items_of(controls[name], mask), controls)
    np.testing.assert_array_equal(drawn(annotation, size_of(mask)), mask)


@pytest.mark.parametrize("controls", [CONTROLS, BARE_CONTROLS])
@pytest.mark.parametrize("name", OUTLINED)
@pytest.mark.parametrize("shape", hard_masks())
def test_outlines_come_back_with_the_overlap_that_was_promised(
    name: str, shape: str, controls: dict[str, Control]
) -> None:
    mask = hard_masks()[shape]
    items = items_of(controls[name], mask, options=ResultOptions(polygon_max_points=100_000))
    assert iou(drawn(decoded(items, controls), size_of(mask)), mask) >= 0.99


@given(st.integers(0, 10_000), st.integers(20, 97), st.integers(20, 97))
@settings(max_examples=15, deadline=None)
def test_outlines_survive_percentages_of_any_picture_size(seed: int, height: int, width: int) -> None:
    mask = blob(seed, size=97, smoothness=2 + seed % 5)[:height, :width].copy()
    if not mask.any():
        mask[0, 0] = True
    for min_iou in (0.99, 1.0):
        options = ResultOptions(polygon_min_iou=min_iou, polygon_max_points=100_000)
        items = json.loads(json.dumps(items_of(CONTROLS["polygon"], mask, options=options)))
        assert iou(drawn(decoded(items), size_of(mask)), mask) >= min_iou


@pytest.mark.parametrize("name", ["rectangle", "turned"])
@pytest.mark.parametrize(
    "mask",
    [
        block((60, 80), slice(15, 30), slice(20, 80)),
        block((7, 13), slice(2, 3), slice(5, 6)),
        np.ones((33, 77), dtype=bool),
        block((1000, 3), slice(1, 999), slice(0, 2)),
    ],
)
def test_rectangular_objects_come_back_exactly(name: str, mask: Mask) -> None:
    np.testing.assert_array_equal(drawn(decoded(items_of(CONTROLS[name], mask)), size_of(mask)), mask)


@pytest.mark.parametrize("end", [(90, 60), (40, 100), (100, 30), (21, 99)])
def test_turned_rectangles_come_back_in_wide_and_tall_pictures(end: tuple[int, int]) -> None:
    mask = np.zeros((130, 260), dtype=bool)
    mask[:120, 40:160] = line(120, (20, 20), end, 15)
    for each in (mask, np.ascontiguousarray(mask.T)):
        assert iou(drawn(decoded(items_of(CONTROLS["turned"], each)), size_of(each)), each) > 0.85


@pytest.mark.parametrize("mask", [DISC, disc(80, 30, 35, 40), disc(200, 90)[::2], disc(300, 99)[:, ::3]])
def test_ellipses_come_back(mask: Mask) -> None:
    mask = np.ascontiguousarray(mask)
    assert iou(drawn(decoded(items_of(CONTROLS["ellipse"], mask)), size_of(mask)), mask) > 0.97


@pytest.mark.parametrize("shape", hard_masks())
def test_key_points_come_back_as_one_pixel_of_the_object(shape: str) -> None:
    mask = hard_masks()[shape]
    point = drawn(decoded(items_of(CONTROLS["keypoint"], mask)), size_of(mask))
    assert point.sum() == 1
    assert mask[point].all()


@pytest.mark.parametrize("name", [*EXACT, *OUTLINED, "rectangle", "turned", "ellipse", "keypoint"])
def test_id_labels_control_and_score_come_back(name: str) -> None:
    (item,) = items_of(CONTROLS[name], region_id="abc")
    item["score"] = 0.5
    found = only(decoded([item]))
    assert (found.id, found.control_name, found.to_name, found.labels) == ("abc", name, "image", ("Cell",))
    assert (found.region.class_name, found.region.score) == ("Cell", 0.5)


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("name", BARE_CONTROLS)
def test_a_bare_shape_and_its_labels_become_one_region(name: str, order: int) -> None:
    found = only(decoded(items_of(BARE_CONTROLS[name], region_id="abc")[::order], BARE_CONTROLS))
    assert (found.id, found.control_name, found.labels) == ("abc", name, ("Cell",))


def test_a_shape_without_labels_is_a_region_without_class() -> None:
    found = only(decoded(items_of(UNLABELLED_CONTROLS["brush"]), UNLABELLED_CONTROLS))
    assert (found.labels, found.region.class_name) == ((), "")


def test_several_labels_are_kept_and_the_first_names_the_class() -> None:
    item = rectangle_item()
    item["value"]["rectanglelabels"] = ["Debris", "Cell"]
    found = only(decoded([item]))
    assert (found.labels, found.region.class_name) == (("Debris", "Cell"), "Debris")


def test_answers_about_one_region_are_part_of_it() -> None:
    item = rectangle_item()
    about_it = {
        **item,
        "type": "choices",
        "from_name": "quality",
        "value": {**item["value"], "choices": ["Sharp"]},
    }
    comment = {**item, "type": "textarea", "from_name": "note", "value": {"text": ["odd"]}}
    annotation = decoded([item, about_it, comment])
    assert only(annotation).labels == ("Cell",)
    assert annotation.choices == {}


def test_choices_about_the_picture_come_back() -> None:
    annotation = decoded(encode_choices(CONTROLS["quality"], ["Sharp", "Blurred"]))
    assert annotation.choices == {("quality", "image"): ("Sharp", "Blurred")}
    assert annotation.problems == ()


def test_other_tags_and_relations_are_passed_over() -> None:
    others = [
        {"type": "relation", "from_id": "a", "to_id": "b", "direction": "right"},
        {"id": "t", "type": "textarea", "from_name": "note", "to_name": "image", "value": {"text": ["odd"]}},
        {"id": "u", "type": "rating", "from_name": "stars", "to_name": "image", "value": {"rating": 4}},
    ]
    annotation = decoded([*others, rectangle_item()])
    assert only(annotation).id == "r1"


@pytest.mark.parametrize("name", ["clicks", "prompt"])
def test_what_is_drawn_with_a_smart_control_is_no_object(name: str) -> None:
    annotation = decoded(items_of(CONTROLS[name]))
    assert annotation.regions == ()
    assert annotation.problems == ()


def test_a_point_marked_positive_or_negative_is_a_prompt_whatever_its_control() -> None:
    (item,) = items_of(CONTROLS["keypoint"])
    assert decoded([{**item, "is_positive": False}]).regions == ()
    assert len(decoded([item]).regions) == 1


def test_recorded_rectangles_are_prompts_in_their_project_and_objects_in_another() -> None:
    body = recorded_request("annotation_create-0").json
    prompting = LabelConfig.parse(body["project"]["label_config"]).controls
    plain = [replace(control, attributes={"smart": "false"}) for control in prompting]
    result = body["annotation"]["result"]
    assert decode_annotation(result, prompting).regions == ()
    found = only(decode_annotation(result, plain))
    assert (found.id, found.labels) == ("abc", ("Object",))
    assert found.region.box == (6, 8, 66, 88)


def test_rectangles_of_a_detection_project_are_objects() -> None:
    assert only(decoded([rectangle_item()])).control_name == "rectangle"


def test_a_brush_region_may_carry_a_picture_instead_of_rle() -> None:
    item = value_item("brush", {"format": "rle", "maskDataURL": png.encode(DISC), "brushlabels": ["Cell"]})
    np.testing.assert_array_equal(drawn(decoded([item]), SIZE), DISC)


def test_a_picture_turned_in_the_editor_keeps_its_coordinates() -> None:
    turned = [{**item, "image_rotation": 90} for item in items_of(CONTROLS["brush"])]
    np.testing.assert_array_equal(drawn(decoded(turned), SIZE), DISC)


def test_sizes_may_come_from_the_caller_alone() -> None:
    item = rectangle_item(original_width=None, original_height=None)
    assert only(decoded([item], image=SIZE)).region.box == only(decoded([rectangle_item()])).region.box


def test_sizes_may_be_written_as_floats() -> None:
    assert only(decoded([rectangle_item(original_width=80.0, original_height=60.0)])).id == "r1"


def test_a_picture_of_another_size_is_a_problem_that_names_both() -> None:
    annotation = decoded([rectangle_item()], image=(80, 60))
    assert annotation.regions == ()
    assert "width 80 and height 60" in annotation.problems[0]
    assert "width 60 and height 80" in annotation.problems[0]


def test_a_control_on_two_pictures_is_told_apart_by_the_picture() -> None:
    controls = [Control("poly", CONTROLS["polygon"].kind, name, CONTROLS["polygon"].labels) for name in "ab"]
    items = [each for control in controls for each in items_of(control, region_id=control.to_name)]
    found = decode_annotation(items, controls, {"a": SIZE, "b": (10, 10)})
    assert [each.to_name for each in found.regions] == ["a"]
    assert found.problems[0].startswith("Region b: ")


def test_a_hand_drawn_polygon_may_cross_itself() -> None:
    item = value_item("polygon", {"points": [[10, 10], [90, 90], [90, 10], [10, 90]], "closed": True})
    bow_tie = only(decoded([item])).region.full_mask(SIZE)
    assert 0.25 * 4800 < bow_tie.sum() < 0.4 * 4800


def test_curved_sides_of_a_vector_are_followed() -> None:
    quarter = 0.5523  # of the radius: the control points of a circle's quarter
    circle = [
        {
            "x": 50 + 30 * dx,
            "y": 50 + 30 * dy,
            "isBezier": True,
            "controlPoint1": {"x": 50 + 30 * (dx + quarter * dy), "y": 50 + 30 * (dy - quarter * dx)},
            "controlPoint2": {"x": 50 + 30 * (dx - quarter * dy), "y": 50 + 30 * (dy + quarter * dx)},
        }
        for dx, dy in ((1, 0), (0, 1), (-1, 0), (0, -1))
    ]
    item = value_item("vector", {"vertices": circle, "closed": True}, original_width=100, original_height=100)
    assert iou(drawn(decoded([item]), (100, 100)), disc(100, 30)) > 0.99


def test_a_curve_with_one_control_point_bends_to_that_side() -> None:
    vertices: list[dict[str, Any]] = [
        {"x": 20, "y": 50},
        {"x": 80, "y": 50},
        {"x": 80, "y": 90},
        {"x": 20, "y": 90},
    ]
    straight = value_item("vector", {"vertices": vertices, "closed": True})
    bent = [{**vertices[0], "isBezier": True, "controlPoint2": {"x": 20, "y": 0}}, *vertices[1:]]
    bulging = value_item("vector", {"vertices": bent, "closed": True})
    areas = [only(decoded([item])).region.area for item in (straight, bulging)]
    assert areas[1] > 1.2 * areas[0]


def test_shapes_that_cover_nothing_are_told_from_broken_ones() -> None:
    click = {"x": 1, "y": 1, "width": 0, "height": 0, "rectanglelabels": ["Cell"]}
    annotation = decoded(
        [value_item("rectangle", click, id="click"), value_item("rectangle", None, id="broken")]
    )
    assert (len(annotation.problems), annotation.n_empty) == (2, 1)


@pytest.mark.parametrize(
    ("control", "value", "why"),
    [
        ("brush", {"format": "rle", "rle": [1, 2, 3]}, "too few"),
        ("brush", {"format": "rle", "rle": "AB1M"}, "list of integers"),
        ("brush", {"format": "rle"}, "list of integers|too few"),
        ("brush", {"format": "rle", "rle": [], "touches": [{"points": []}]}, "without pairs of numbers"),
        ("brush", {"maskDataURL": "data:image/png;base64,AAAA"}, "no base64 text of a PNG"),
        ("bitmask", {}, "begins with"),
        ("bitmask", {"imageDataURL": png.encode(DISC[:10])}, "height 10"),
        ("bitmask", {"imageDataURL": png.encode(DISC & False)}, "covers no pixel"),
        ("polygon", {"points": [[1, 1], [50, 50]]}, "three points"),
        ("polygon", {"points": None}, "three points"),
        ("polygon", {"points": [[1, 1], [50, 50], [3]]}, "pair of numbers"),
        ("polygon", {"points": [[1, 1], [50, 50], [3, "4"]]}, "not a number"),
        ("polygon", {"points": [[1, 1], [50, 50], [3, float("nan")]]}, "not a number"),
        ("polygon", {"points": [[1, 1], [50, 50], [3, 10**400]]}, "not a number"),
        ("polygon", {"points": [[1, 1], [50, 50], [90, 1]], "closed": False}, "never closed"),
        ("polygon", {"points": [[101, 1], [150, 50], [190, 1]]}, "covers no pixel"),
        ("polygon", {"points": [[1.0, 1], [1.1, 1], [1.1, 1.1]]}, "covers no pixel"),
        ("vector", {"vertices": [{"x": 1, "y": 1}, {"x": 9, "y": 9}, {"x": 1, "y": 9}]}, "open line"),
        ("vector", {"vertices": [[1, 1], [2, 2], [3, 1]], "closed": True}, "list of objects"),
        ("vector", {"vertices": [{"x": 1}, {"x": 9}, {"x": 4}], "closed": True}, "not a number"),
        ("vector", {"vertices": [], "closed": True}, "three points"),
        ("rectangle", {"x": 1, "y": 1, "width": 5}, r"value\.height is 'None'"),
        ("rectangle", {"x": 1, "y": 1, "width": 5, "height": float("inf")}, r"value\.height"),
        ("rectangle", {"x": 1, "y": 1, "width": 5, "height": 5, "rotation": "left"}, "rotation"),
        ("rectangle", {"x": True, "y": 1, "width": 5, "height": 5}, r"value\.x"),
        ("rectangle", {"x": 1, "y": 1, "width": 0, "height": 0}, "covers no pixel"),
        ("ellipse", {"x": 50, "y": 50, "radiusX": 0, "radiusY": 5}, "covers no pixel"),
        ("ellipse", {"x": -50, "y": 50, "radiusX": 10, "radiusY": 5}, "covers no pixel"),
        ("keypoint", {"x": 120, "y": 50}, "covers no pixel"),
        ("rectangle", None, "value is a NoneType"),
        (
            "rectangle",
            {"x": 1, "y": 1, "width": 50, "height": 50, "rectanglelabels": "Cell"},
            "list of texts",
        ),
    ],
)
def test_a_bad_region_is_explained_and_the_others_are_kept(control: str, value: Any, why: str) -> None:
    annotation = decoded([value_item(control, value, id="bad"), rectangle_item()])
    assert [each.id for each in annotation.regions] == ["r1"]
    (problem,) = annotation.problems
    assert problem.startswith("Region bad: ")
    assert len(problem) < 400
    assert re.search(why, problem)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"from_name": "gone"}, "no control 'gone' on picture 'image'"),
        ({"from_name": None}, "no control ''"),
        ({"to_name": "other"}, "on picture 'other'"),
        ({"type": "polygonlabels"}, "makes rectanglelabels"),
        ({"original_width": "80"}, "no size of a picture"),
        ({"original_width": 0}, "no size of a picture"),
        ({"original_height": None}, "no size of a picture"),
        ({"original_width": 80.5}, "no size of a picture"),
        ({"original_width": 10**9, "original_height": 10**9}, "no size of a picture"),
        ({"original_width": 10**400}, "no size of a picture"),
        ({"item_index": 2}, "page 2"),
    ],
)
def test_an_item_that_does_not_fit_the_project_is_explained(changes: dict[str, Any], why: str) -> None:
    annotation = decoded([rectangle_item(**changes), rectangle_item(id="good")])
    assert [each.id for each in annotation.regions] == ["good"]
    (problem,) = annotation.problems
    assert why in problem


@pytest.mark.parametrize(
    "changes",
    [{"from_name": "rectangle"}, {"from_name": "gone"}, {"value": {"choices": "Sharp"}}, {"value": 3}],
)
def test_choices_that_do_not_fit_the_project_are_explained(changes: dict[str, Any]) -> None:
    (item,) = encode_choices(CONTROLS["quality"], ["Sharp"])
    annotation = decoded([{**item, **changes}])
    assert annotation.choices == {}
    assert len(annotation.problems) == 1


@pytest.mark.parametrize("results", [None, {}, "text", 3])
def test_a_result_that_is_no_list_is_explained(results: Any) -> None:
    assert len(decoded(results).problems) == 1


@pytest.mark.parametrize("item", [None, 3, "text", [], {}, {"type": None}, {"type": 5, "id": "a"}])
def test_an_item_that_is_no_object_with_a_type_is_explained(item: Any) -> None:
    annotation = decoded([item, rectangle_item()])
    assert len(annotation.regions) == len(annotation.problems) == 1


def test_items_without_ids_are_regions_of_their_own() -> None:
    annotation = decoded([rectangle_item(id=None), rectangle_item(id=""), rectangle_item(id=7)])
    assert [each.id for each in annotation.regions] == ["", "", ""]


@pytest.mark.parametrize(
    ("score", "read"),
    [(None, 1.0), ("high", 1.0), (True, 1.0), (float("nan"), 1.0), (3, 1.0), (10**400, 1.0), (-1, 0.0)],
)
def test_any_score_is_read_as_one_between_nought_and_one(score: Any, read: float) -> None:
    assert only(decoded([rectangle_item(score=score)])).region.score == read


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["x", "y", "points", "rle"]), inner)
    ),
    max_leaves=8,
)


@given(data=st.data())
@settings(deadline=None)
def test_no_json_makes_it_crash(data: st.DataObject) -> None:
    control = data.draw(st.sampled_from([*EXACT, *OUTLINED, "rectangle", "turned", "ellipse", "keypoint"]))
    item = items_of(CONTROLS[control])[0]
    place = data.draw(st.sampled_from([*item, *item["value"]]))
    (item["value"] if place in item["value"] else item)[place] = data.draw(json_values)
    annotation = decoded([item])
    assert all(each.region.area > 0 for each in annotation.regions)
    assert all(isinstance(problem, str) for problem in annotation.problems)
