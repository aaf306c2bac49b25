from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import RequestError
from backend.labelstudio.label_config import LabelConfig
from backend.labelstudio.payloads import parse_predict
from backend.labelstudio.prompts import PromptGroup, read_prompts
from models.errors import PromptError
from models.prompts import Box, Click, Prompts
from tests.fixtures.recorded import RecordedRequest, recorded_request, recorded_requests

TWO_LABELS = '<Label value="Cell"/><Label value="Egg"/>'
CONFIG = LabelConfig.parse(
    f"""<View><Image name="image" value="$image"/><Image name="other" value="$other"/>
    <BrushLabels name="brush" toName="image,other">{TWO_LABELS}</BrushLabels>
    <KeyPointLabels name="kp" toName="image,other" smart="true">{TWO_LABELS}</KeyPointLabels>
    <RectangleLabels name="rect" toName="image,other" smart="true"><Label value="Cell"/></RectangleLabels>
    <KeyPointLabels name="skipped" toName="image" model_skip="true">{TWO_LABELS}</KeyPointLabels></View>"""
)
CLICKS = [request for request in recorded_requests("/predict") if request.json["params"]["context"]]


def point(x: Any = 50.0, y: Any = 50.0, label: str | None = "Cell", **changes: Any) -> dict[str, Any]:
    labels = [] if label is None else [label]
    item = {
        "id": "p",
        "type": "keypointlabels",
        "from_name": "kp",
        "to_name": "image",
        "original_width": 200,
        "original_height": 100,
        "image_rotation": 0,
        "is_positive": True,
        "value": {"x": x, "y": y, "width": 0.2, "keypointlabels": labels},
    }
    return {**item, **changes}


def rectangle(
    x: Any = 10.0, y: Any = 20.0, width: Any = 30.0, height: Any = 40.0, rotation: Any = 0, **changes: Any
) -> dict[str, Any]:
    item = {
        "id": "r",
        "type": "rectanglelabels",
        "from_name": "rect",
        "to_name": "image",
        "original_width": 200,
        "original_height": 100,
        "value": {
            "x": x,
            "y": y,
            "width": width,
            "height": height,
            "rotation": rotation,
            "rectanglelabels": ["Cell"],
        },
    }
    return {**item, **changes}


def read(*items: dict[str, Any]) -> tuple[PromptGroup, ...]:
    return read_prompts(items, CONFIG)


def only_box(*items: dict[str, Any]) -> Box:
    (group,) = read(*items)
    assert group.prompts.box is not None
    return group.prompts.box


@pytest.mark.parametrize("request_", CLICKS, ids=lambda request: request.name)
def test_every_recorded_prompt_is_read(request_: RecordedRequest) -> None:
    request = parse_predict(request_.json)
    assert request.context is not None
    groups = read_prompts(request.context, LabelConfig.parse(request.label_config))
    positive = [item for item in request.context if item.get("is_positive", True)]
    assert bool(groups) == bool(positive)
    for group in groups:
        assert group.to_name == "image"
        assert group.size_hw in ((600, 800), (240, 280))
        assert group.label in ("Object", "Other")
        group.prompts.check(group.size_hw)
    if groups:
        assert [prompt_id for group in groups for prompt_id in group.prompt_ids] == [
            item["id"] for item in request.context
        ]


def test_all_points_of_a_recorded_request_mean_one_object() -> None:
    request = parse_predict(recorded_request("ui_clicks-kp_3_negative_alt").json)
    assert request.context is not None
    (group,) = read_prompts(request.context, LabelConfig.parse(request.label_config))
    assert group.prompt_ids == ("fvsBEfHwpY", "CJIg_Zd0ap", "Vli7xA0be_")
    assert [click.positive for click in group.prompts.clicks] == [True, True, False]
    assert [click.pixel for click in group.prompts.clicks] == [(359, 239), (359, 319), (119, 400)]


def test_recorded_rectangles_are_objects_of_their_own() -> None:
    request = parse_predict(recorded_request("ui_clicks-rect_second").json)
    assert request.context is not None
    groups = read_prompts(request.context, LabelConfig.parse(request.label_config))
    assert [group.prompt_ids for group in groups] == [("6jJbyIjBHR",), ("MjZVKU4mSb",)]
    assert all(group.prompts.box is not None and not group.prompts.clicks for group in groups)


@pytest.mark.parametrize(
    ("x", "y", "pixel", "row", "column"),
    [
        (0.25, 0.5, (0, 0), 0.0, 0.0),
        (50, 50, (50, 100), 49.5, 99.5),
        (0, 0, (0, 0), 0.0, 0.0),
        (100, 100, (99, 199), 99.0, 199.0),
        (-0.1, 100.1, (99, 0), 99.0, 0.0),
        (-1, 101, (99, 0), 99.0, 0.0),
    ],
)
def test_a_click_becomes_pixels_inside_the_picture(
    x: float, y: float, pixel: tuple[int, int], row: float, column: float
) -> None:
    (group,) = read(point(x, y))
    (click,) = group.prompts.clicks
    assert (click.row, click.column) == pytest.approx((row, column))
    assert click.pixel == pixel


@given(st.integers(0, 99), st.integers(0, 199))
def test_the_middle_of_every_pixel_is_that_pixel(row: int, column: int) -> None:
    (group,) = read(point((column + 0.5) / 200 * 100, (row + 0.5) / 100 * 100))
    (click,) = group.prompts.clicks
    assert (click.row, click.column) == pytest.approx((row, column), abs=1e-9)
    assert click.pixel == (row, column)


@pytest.mark.parametrize(("x", "y"), [(-1.1, 50), (50, 101.1), (1e6, 0)])
def test_a_click_far_outside_is_refused(x: float, y: float) -> None:
    with pytest.raises(PromptError, match="outside the picture"):
        read(point(x, y))


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_turning_the_picture_in_the_editor_changes_nothing(rotation: int) -> None:
    assert read(point(image_rotation=rotation)) == read(point())


def test_nothing_positive_means_no_object() -> None:
    assert read() == ()
    assert read(point(is_positive=False)) == ()


def test_a_point_without_a_sign_is_positive() -> None:
    item = point()
    del item["is_positive"]
    assert read(item) == read(point())


def test_points_of_different_labels_or_pictures_are_different_objects() -> None:
    groups = read(
        point(10, 10, id="a"),
        point(20, 10, "Egg", id="b"),
        point(30, 10, id="c", to_name="other", original_width=10),
        point(40, 10, id="d", is_positive=False),
    )
    assert [(group.to_name, group.label, group.prompt_ids) for group in groups] == [
        ("image", "Cell", ("a", "d")),
        ("image", "Egg", ("b",)),
        ("other", "Cell", ("c",)),
    ]
    assert [group.size_hw for group in groups] == [(100, 200), (100, 200), (100, 10)]


def test_a_rectangle_is_a_box_of_pixel_edges() -> None:
    assert only_box(rectangle()) == Box(top=20, left=20, bottom=60, right=80)
    assert only_box(rectangle(0, 0, 100, 100)) == Box(0, 0, 100, 200)


@pytest.mark.parametrize(
    ("rotation", "box"),
    [
        (90, Box(top=20, left=60, bottom=50, right=100)),
        (180, Box(top=0, left=70, bottom=20, right=100)),
        (-90, Box(top=0, left=100, bottom=20, right=140)),
        (360, Box(top=20, left=100, bottom=60, right=130)),
        (45, Box(top=20, left=100 - 800**0.5, bottom=20 + 2450**0.5, right=100 + 450**0.5)),
    ],
)
def test_a_turned_rectangle_becomes_the_upright_box_around_it(rotation: float, box: Box) -> None:
    turned = only_box(rectangle(50, 20, 15, 40, rotation))  # 30 columns by 40 rows at row 20, column 100
    assert (turned.top, turned.left, turned.bottom, turned.right) == pytest.approx(
        (box.top, box.left, box.bottom, box.right)
    )


def test_a_rectangle_without_rotation_is_upright() -> None:
    item = rectangle()
    del item["value"]["rotation"]
    assert only_box(item) == only_box(rectangle())


def test_a_rectangle_is_cut_to_the_picture() -> None:
    assert only_box(rectangle(-10, -10, 120, 30)) == Box(0, 0, 20, 200)


@pytest.mark.parametrize(
    "item", [rectangle(width=0), rectangle(height=0), rectangle(x=100), rectangle(y=-40)]
)
def test_a_rectangle_that_holds_nothing_of_the_picture_is_refused(item: dict[str, Any]) -> None:
    with pytest.raises(PromptError, match="holds no part of the picture"):
        read(item)


def test_points_beside_one_rectangle_refine_it() -> None:
    (group,) = read(rectangle(), point(15, 30, id="n", is_positive=False))
    assert group.prompts == Prompts((Click(29.5, 29.5, positive=False),), Box(20, 20, 60, 80))
    assert group.prompt_ids == ("r", "n")


def test_points_beside_several_rectangles_are_an_object_of_their_own() -> None:
    boxes = [rectangle(id="r1"), rectangle(50, id="r2")]
    assert [g.prompt_ids for g in read(*boxes, point(id="p"))] == [("r1",), ("r2",), ("p",)]
    assert [g.prompt_ids for g in read(*boxes, point(id="p", is_positive=False))] == [("r1",), ("r2",)]


def test_prompts_without_ids_are_read() -> None:
    nameless = [point(10, 10, id=None), point(20, 10, "Egg", id=7)]
    assert [(group.label, group.prompt_ids) for group in read(*nameless)] == [("Cell", ()), ("Egg", ())]


def test_items_that_do_not_prompt_are_left_out() -> None:
    stroke = {
        "id": "b",
        "type": "brushlabels",
        "from_name": "brush",
        "to_name": "image",
        "value": {"rle": [0]},
    }
    others = [
        stroke,
        {},
        point(from_name="nobody"),
        point(to_name="nowhere"),
        point(from_name=None),
        point(from_name="skipped"),
    ]
    assert read(*others) == ()
    assert read(*others, point()) == read(point())


BARE = '<View><Image name="image" value="$image"/><KeyPoint name="kp" toName="image" smart="true"/>'


def test_a_bare_point_gets_the_only_label() -> None:
    config = LabelConfig.parse(
        f'{BARE}<BrushLabels name="b" toName="image" smart="false"><Label value="Cell"/></BrushLabels></View>'
    )
    item = point(type="keypoint", value={"x": 50, "y": 50, "labels": []})
    assert [group.label for group in read_prompts([item], config)] == ["Cell"]


def test_a_bare_point_gets_no_label_where_there_are_several() -> None:
    config = LabelConfig.parse(
        f'{BARE}<BrushLabels name="b" toName="image">{TWO_LABELS}</BrushLabels></View>'
    )
    item = point(type="keypoint", value={"x": 50, "y": 50, "labels": []})
    (group,) = read_prompts([item], config)
    assert group.label is None


def test_a_bare_point_gets_the_label_of_the_item_with_its_id() -> None:
    config = LabelConfig.parse(
        f'{BARE}<Brush name="b" toName="image"/><Labels name="n" toName="image">{TWO_LABELS}</Labels></View>'
    )
    where = {"x": 50, "y": 50}
    named = point(from_name="n", type="labels", value={**where, "labels": ["Egg"]})
    (group,) = read_prompts([point(type="keypoint", value=where), named], config)
    assert (group.label, len(group.prompts.clicks)) == ("Egg", 1)


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (point(x=None), r"result\[0\]\.value\.x must be a number from -1e\+06 to 1e\+06, not null"),
        (point(y="50"), r"value\.y must be a number .*, not '50'"),
        (point(x=True), r"value\.x must be a number .*, not a boolean"),
        (point(x=float("nan")), r"value\.x must be a number .*, not nan"),
        (point(x=float("inf")), r"value\.x must be a number .*, not inf"),
        (point(x=10**400), r"value\.x must be a number .*, not a number"),
        (point(value=None), r"result\[0\]\.value must be an object, not null"),
        (point(is_positive=1), r"is_positive must be a boolean, not a number"),
        (point(original_width=None), r"original_width must be a whole number of pixels, not null"),
        (point(original_height=0), r"original_height must be a whole number of pixels, not 0"),
        (point(original_width=200.5), r"original_width must be a whole number of pixels, not 200.5"),
        (point(original_width=10**400), r"original_width must be a whole number of pixels"),
        (rectangle(width=-1), r"value\.width must be a number from 0 to 1e\+06, not -1"),
        (rectangle(height=-0.5), r"value\.height must be a number from 0 to 1e\+06, not -0.5"),
        (rectangle(rotation=None), r"value\.rotation must be a number"),
        (rectangle(value=[]), r"result\[0\]\.value must be an object, not a list"),
    ],
)
def test_what_the_editor_never_sends_is_refused_by_field(item: dict[str, Any], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        read(item)


def test_prompts_on_pictures_of_two_sizes_are_refused() -> None:
    with pytest.raises(RequestError, match=r"result\[1\] has another original size"):
        read(point(), point(original_width=400))


JSON = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=4)
    | st.lists(st.integers(), max_size=2)
)


@given(
    st.sampled_from([point, rectangle]),
    st.sampled_from(["x", "y", "width", "height", "rotation", "keypointlabels", "labels"]),
    JSON,
)
def test_whatever_a_value_holds_the_prompt_is_inside_the_picture_or_refused(
    make: Any, key: str, value: Any
) -> None:
    item = make()
    item["value"][key] = value
    try:
        groups = read(item)
    except (RequestError, PromptError):
        return
    for group in groups:
        group.prompts.check(group.size_hw)


@given(st.sampled_from(list(point())), JSON)
def test_whatever_an_item_holds_it_is_read_left_out_or_refused(key: str, value: Any) -> None:
    try:
        groups = read(point(**{key: value}))
    except (RequestError, PromptError):
        return
    assert len(groups) <= 1
