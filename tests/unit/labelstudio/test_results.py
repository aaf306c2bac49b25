import json
import logging
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from label_studio_sdk.label_interface import interface as sdk_interface

from backend.labelstudio.controls import Control, ControlKind
from backend.labelstudio.results import ResultOptions, encode_choices, encode_region
from models.regions import Region
from tests.unit.labelstudio.drawing import (
    BARE_CONFIG,
    BARE_CONTROLS,
    CONFIG,
    CONTROLS,
    UNLABELLED_CONFIG,
    UNLABELLED_CONTROLS,
)
from tests.unit.labelstudio.shapes import blob, block, disc, hard_masks, line, region_of, size_of

SHAPES = ("brush", "bitmask", "polygon", "vector", "rectangle", "turned", "ellipse", "keypoint")
DISC = disc(60, 20)
SdkInterface: Any = sdk_interface.LabelInterface  # carries no type information


def sdk_errors(config: str, items: list[dict[str, Any]]) -> Any:
    prediction = {"result": items, "score": 0.5, "model_version": "v"}
    return SdkInterface(config).validate_prediction(prediction, return_errors=True)


def encoded(
    control: Control, mask: Any = DISC, label: str | None = "Cell", **more: Any
) -> list[dict[str, Any]]:
    return encode_region(region_of(mask), control, label, size_of(mask), **more)


def leaves(value: Any) -> Iterator[Any]:
    if type(value) is dict:
        assert all(type(key) is str for key in value)
        for part in value.values():
            yield from leaves(part)
    elif type(value) is list:
        for part in value:
            yield from leaves(part)
    else:
        yield value


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("shape", hard_masks())
def test_items_are_finite_plain_json(name: str, shape: str) -> None:
    items = encoded(CONTROLS[name], hard_masks()[shape])
    assert items
    for leaf in leaves(items):
        assert type(leaf) in (str, int, float, bool)
        assert not isinstance(leaf, float) or math.isfinite(leaf)
    assert json.loads(json.dumps(items, allow_nan=False)) == items


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("shape", hard_masks())
def test_the_sdk_accepts_every_item(name: str, shape: str) -> None:
    assert sdk_errors(CONFIG, encoded(CONTROLS[name], hard_masks()[shape])) == []


@pytest.mark.parametrize("name", BARE_CONTROLS)
def test_the_sdk_accepts_the_items_of_bare_controls(name: str) -> None:
    assert sdk_errors(BARE_CONFIG, encoded(BARE_CONTROLS[name])) == []


@pytest.mark.parametrize("name", UNLABELLED_CONTROLS)
def test_the_sdk_accepts_items_of_controls_without_labels(name: str) -> None:
    assert sdk_errors(UNLABELLED_CONFIG, encoded(UNLABELLED_CONTROLS[name])) == []


@pytest.mark.parametrize("name", SHAPES)
def test_every_item_says_where_it_belongs(name: str) -> None:
    control = CONTROLS[name]
    (item,) = encode_region(
        Region(np.ones((5, 8), dtype=bool), 10, 20, "ignored", 0.25),
        control,
        "Debris",
        (60, 80),
        region_id="abc",
    )
    value = item.pop("value")
    assert item == {
        "id": "abc",
        "from_name": name,
        "to_name": "image",
        "type": f"{control.kind.value}labels",
        "original_width": 80,
        "original_height": 60,
        "image_rotation": 0,
        "score": 0.25,
    }
    assert value[f"{control.kind.value}labels"] == ["Debris"]


def test_a_rectangle_is_in_percent_of_the_pictures_edges() -> None:
    (item,) = encoded(CONTROLS["rectangle"], block((60, 80), slice(15, 30), slice(20, 80)))
    assert item["value"] == {
        "x": 25.0,
        "y": 25.0,
        "width": 75.0,
        "height": 25.0,
        "rotation": 0.0,
        "rectanglelabels": ["Cell"],
    }


def test_a_slanted_object_gets_a_turned_rectangle_only_where_the_config_asks_for_it() -> None:
    mask = line(120, (20, 20), (90, 60), 15)
    (straight,) = encoded(CONTROLS["rectangle"], mask)
    (turned,) = encoded(CONTROLS["turned"], mask)
    assert straight["value"]["rotation"] == 0
    assert turned["value"]["rotation"] == pytest.approx(30, abs=2)


@pytest.mark.parametrize(
    "ends", [((0, 0), (40, 119)), ((0, 119), (119, 60)), ((119, 0), (0, 119)), ((0, 60), (60, 0))]
)
def test_turned_rectangles_at_the_border_stay_within_what_the_import_accepts(
    ends: tuple[tuple[int, int], tuple[int, int]],
) -> None:
    for item in encoded(CONTROLS["turned"], line(120, *ends, 21)):
        assert all(0 <= item["value"][key] <= 100 for key in ("x", "y", "width", "height"))
        assert 0 <= item["value"]["rotation"] < 360


def test_an_ellipse_has_its_centre_and_radii_in_percent() -> None:
    (item,) = encoded(CONTROLS["ellipse"], disc(100, 30, 40, 60))
    value = item["value"]
    assert (value["x"], value["y"]) == pytest.approx((60, 40), abs=0.1)
    assert (value["radiusX"], value["radiusY"]) == pytest.approx((30, 30), abs=0.2)


def test_a_tall_ellipse_in_a_tall_picture_keeps_its_radii_below_half() -> None:
    mask = np.zeros((400, 40), dtype=bool)
    mask[20:380, 10:30] = True
    (item,) = encoded(CONTROLS["ellipse"], mask)
    assert item["value"]["radiusX"] <= 50
    assert item["value"]["radiusY"] <= 50
    assert item["value"]["rotation"] == 0


def test_brush_and_bitmask_keep_separate_parts_together() -> None:
    mask = hard_masks()["separate parts"]
    assert len(encoded(CONTROLS["brush"], mask)) == len(encoded(CONTROLS["bitmask"], mask)) == 1


@pytest.mark.parametrize("name", ["polygon", "vector"])
def test_separate_parts_become_regions_with_ids_of_their_own(name: str) -> None:
    items = encoded(CONTROLS[name], hard_masks()["separate parts"], region_id="abc")
    assert [item["id"] for item in items] == ["abc", "abc-2", "abc-3"]
    assert all(item["value"]["closed"] is True for item in items)


def test_bare_controls_give_a_shape_and_its_labels_under_one_id() -> None:
    shape, labels = encoded(BARE_CONTROLS["brush"])
    assert (shape["type"], shape["from_name"]) == ("brush", "brush")
    assert (labels["type"], labels["from_name"]) == ("labels", "labels")
    assert shape["id"] == labels["id"]
    assert labels["value"] == {**shape["value"], "labels": ["Cell"]}
    assert set(shape["value"]) == {"format", "rle"}


def test_bare_controls_pair_every_part_with_its_labels() -> None:
    items = encoded(BARE_CONTROLS["polygon"], hard_masks()["separate parts"], region_id="a")
    assert [item["id"] for item in items] == ["a", "a", "a-2", "a-2", "a-3", "a-3"]


def test_controls_without_labels_give_items_without_labels() -> None:
    (item,) = encoded(UNLABELLED_CONTROLS["brush"])
    assert item["type"] == "brush"
    assert set(item["value"]) == {"format", "rle"}


@pytest.mark.parametrize("controls", [CONTROLS, BARE_CONTROLS])
def test_without_a_label_there_is_one_item_without_labels(controls: dict[str, Control]) -> None:
    (item,) = encoded(controls["brush"], label=None)
    assert set(item["value"]) == {"format", "rle"}


def test_labels_from_task_data_are_written_too() -> None:
    control = Control("brush", ControlKind.BRUSH, "image", dynamic_labels=True)
    (item,) = encoded(control)
    assert item["type"] == "brushlabels"
    assert item["value"]["brushlabels"] == ["Cell"]


def test_new_ids_are_long_and_never_the_same() -> None:
    ids = {encoded(CONTROLS["keypoint"])[0]["id"] for _ in range(200)}
    assert len(ids) == 200
    assert all(len(each) >= 10 and "#" not in each for each in ids)


@pytest.mark.parametrize(
    ("score", "stored"),
    [(0.3, 0.3), (-1, 0.0), (7, 1.0), (math.nan, 0.0), (math.inf, 0.0), (np.float32(0.5), 0.5)],
)
def test_scores_are_always_storable(score: float, stored: float) -> None:
    region = Region(np.ones((2, 2), dtype=bool), 0, 0, score=score)
    (item,) = encode_region(region, CONTROLS["brush"], "Cell", (9, 9))
    assert item["score"] == stored
    assert type(item["score"]) is float
    (choice,) = encode_choices(CONTROLS["quality"], ["Sharp"], score=score)
    assert choice["score"] == stored


@pytest.mark.parametrize("name", SHAPES)
def test_what_lies_beside_the_picture_is_cut_off(name: str) -> None:
    sticking_out = Region(np.ones((30, 30), dtype=bool), -10, 45)
    inside = Region(np.ones((20, 15), dtype=bool), 0, 45)
    values = [
        [item["value"] for item in encode_region(each, CONTROLS[name], "Cell", (60, 60))]
        for each in (sticking_out, inside)
    ]
    assert values[0] == values[1]


@pytest.mark.parametrize("name", SHAPES)
def test_objects_beside_the_picture_give_nothing(name: str) -> None:
    region = Region(np.ones((5, 5), dtype=bool), 100, 100)
    assert encode_region(region, CONTROLS[name], "Cell", (60, 60)) == []


@pytest.mark.parametrize("name", SHAPES)
def test_empty_margins_of_a_crop_do_not_matter(name: str) -> None:
    tight = region_of(DISC)
    loose = Region(np.pad(tight.mask, 3), tight.top - 3, tight.left - 3)
    values = [encode_region(each, CONTROLS[name], "Cell", (60, 60))[0]["value"] for each in (tight, loose)]
    assert values[0] == values[1]


def test_a_limit_that_costs_overlap_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        items = encoded(CONTROLS["polygon"], blob(0), options=ResultOptions(polygon_max_points=60))
    assert sum(len(item["value"]["points"]) for item in items) <= 60
    assert "more than 60 polygon points" in caplog.text


def test_nothing_is_logged_when_the_overlap_is_reached(caplog: pytest.LogCaptureFixture) -> None:
    encoded(CONTROLS["polygon"])
    assert caplog.text == ""


def test_a_stricter_overlap_takes_more_points() -> None:
    counts = [
        len(
            encoded(CONTROLS["polygon"], disc(200, 80), options=ResultOptions(polygon_min_iou=least))[0][
                "value"
            ]["points"]
        )
        for least in (0.9, 0.999)
    ]
    assert counts[0] < counts[1]


@pytest.mark.parametrize(
    "options", [{"polygon_min_iou": 0}, {"polygon_min_iou": 1.1}, {"polygon_max_points": 5}]
)
def test_impossible_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        ResultOptions(**options)


def test_choices_name_their_control_and_values() -> None:
    (item,) = encode_choices(CONTROLS["quality"], ("Sharp", "Blurred"), score=0.5, region_id="abc")
    assert item == {
        "id": "abc",
        "from_name": "quality",
        "to_name": "image",
        "type": "choices",
        "score": 0.5,
        "value": {"choices": ["Sharp", "Blurred"]},
    }
    assert sdk_errors(CONFIG, [item]) == []


def test_no_choices_give_no_item() -> None:
    assert encode_choices(CONTROLS["quality"], []) == []


def test_choices_cannot_hold_a_region() -> None:
    with pytest.raises(ValueError, match="encode_choices"):
        encoded(CONTROLS["quality"])
