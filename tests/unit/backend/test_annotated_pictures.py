from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from backend.labelstudio.label_config import LabelConfig
from backend.labelstudio.results import encode_choices, encode_region
from backend.labelstudio.submissions import annotated_task
from backend.services import annotated_pictures as reasons
from backend.services.annotated_pictures import AnnotatedPicture, PictureReader
from backend.services.label_schemas import label_schema
from models.regions import Region
from tests.fakes.requests import point

LABELS = '<Label value="Cell"/><Label value="Debris"/>'
CONFIG = f"""<View>
  <Image name="image" value="$image"/>
  <BrushLabels name="brush" toName="image" smart="false">{LABELS}</BrushLabels>
  <PolygonLabels name="polygon" toName="image">{LABELS}</PolygonLabels>
  <RectangleLabels name="boxes" toName="image" smart="false">{LABELS}</RectangleLabels>
  <KeyPointLabels name="point" toName="image" smart="true"><Label value="Coin"/></KeyPointLabels>
  <KeyPointLabels name="counted" toName="image" smart="false"><Label value="Cell"/></KeyPointLabels>
  <BrushLabels name="areas" toName="image" model_error_areas="true"><Label value="Check here"/></BrushLabels>
  <BrushLabels name="people" toName="image" model_skip="true"><Label value="Private"/></BrushLabels>
  <Choices name="focus" toName="image"><Choice value="Sharp"/><Choice value="Blurred"/></Choices>
  <TextArea name="notes" toName="image"/>
</View>"""
SIZE = (60, 80)


def block(top: int, left: int, class_name: str = "Cell") -> Region:
    return Region(np.ones((10, 12), dtype=bool), top, left, class_name)


def items(
    top: int = 5, left: int = 6, label: str | None = "Cell", *, of: str = "brush", config: str = CONFIG
) -> list[Any]:
    control = LabelConfig.parse(config).control(of)
    assert control is not None
    return encode_region(block(top, left), control, label, SIZE)


def focus(*answers: str) -> list[Any]:
    control = LabelConfig.parse(CONFIG).control("focus")
    assert control is not None
    return encode_choices(control, answers)


def submitted(result: Any, number: int = 1, *, by: int | None = 1, **fields: Any) -> dict[str, Any]:
    moment = f"2026-11-21T00:00:{number:02}Z"
    return {"id": number, "task": 1, "completed_by": by, "updated_at": moment, "result": result, **fields}


def read(*annotations: dict[str, Any], config: str = CONFIG) -> tuple[list[AnnotatedPicture], dict[str, int]]:
    parsed = LabelConfig.parse(config)
    skipped: Counter[str] = Counter()
    reader = PictureReader(parsed, label_schema(parsed), skipped)
    pictures = reader.pictures(annotated_task(1, {"data": {"image": "a.png"}}, annotations))
    return pictures, {reason: count for reason, count in skipped.items() if count}


def only(*annotations: dict[str, Any]) -> tuple[AnnotatedPicture, dict[str, int]]:
    (picture,), skipped = read(*annotations)
    return picture, skipped


def drawn(picture: AnnotatedPicture, person: int = 0) -> list[tuple[str, int, int]] | None:
    objects = picture.opinions[person].objects
    return None if objects is None else [(o.region.class_name, o.region.top, o.region.left) for o in objects]


def test_objects_and_answers_are_read_with_the_size_of_the_picture() -> None:
    result = [*items(), *items(20, 30, "Debris", of="polygon"), *focus("Blurred")]
    picture, skipped = only(submitted(result))
    assert drawn(picture) == [("Cell", 5, 6), ("Debris", 20, 30)]
    assert picture.opinions[0].answers == {"focus": ("Blurred",)}
    assert (picture.size_hw, skipped) == (SIZE, {})


def test_a_rectangle_is_known_to_be_a_box() -> None:
    picture, _ = only(submitted([*items(), *items(of="boxes")]))
    assert [each.is_box for each in picture.opinions[0].objects or ()] == [False, True]


def test_an_empty_annotation_says_that_there_is_no_object() -> None:
    picture, skipped = only(submitted([]))
    assert (drawn(picture), picture.size_hw, skipped) == ([], None, {})


def test_an_empty_annotation_says_nothing_where_nobody_asks_for_objects() -> None:
    config = (
        '<View><Image name="image" value="$image"/><Choices name="focus" toName="image">'
        '<Choice value="Sharp"/></Choices></View>'
    )
    assert read(submitted([]), config=config) == ([], {reasons.SILENT: 1})
    (picture,), _ = read(submitted(focus("Sharp")), config=config)
    assert (drawn(picture), picture.opinions[0].answers) == (None, {"focus": ("Sharp",)})


def test_skips_do_not_count() -> None:
    assert read(submitted([], was_cancelled=True)) == ([], {reasons.SKIPPED: 1})


def test_key_points_error_areas_and_what_is_left_to_people_are_no_objects() -> None:
    note = {"id": "n", "from_name": "notes", "to_name": "image", "type": "textarea", "value": {"text": ["x"]}}
    areas = items(label="Check here", of="areas")
    result = [*items(of="counted"), *areas, *items(label="Private", of="people"), note]
    picture, skipped = only(submitted(result))
    assert (drawn(picture), skipped) == ([], {})


def test_prompts_that_were_submitted_alone_say_nothing_about_objects() -> None:
    prompt = point(10, 10, size_hw=SIZE)
    assert read(submitted([prompt])) == ([], {reasons.ONLY_PROMPTS: 1})
    picture, _ = only(submitted([prompt, *focus("Sharp")]))
    assert (drawn(picture), picture.opinions[0].answers) == (None, {"focus": ("Sharp",)})


def test_prompts_beside_objects_are_passed_over() -> None:
    picture, skipped = only(submitted([point(10, 10, size_hw=SIZE), *items()]))
    assert (drawn(picture), skipped) == ([("Cell", 5, 6)], {})


def test_a_region_that_cannot_be_read_takes_its_annotation_along() -> None:
    broken = {
        **items()[0],
        "id": "broken",
        "value": {"format": "rle", "rle": [1, 2], "brushlabels": ["Cell"]},
    }
    assert read(submitted([*items(), broken])) == ([], {reasons.UNREADABLE: 1})
    picture, skipped = only(submitted([broken], 1, by=1), submitted(items(), 2, by=2))
    assert (drawn(picture), len(picture.opinions), skipped) == ([("Cell", 5, 6)], 1, {reasons.UNREADABLE: 1})


@pytest.mark.parametrize("junk", [7, {"id": [], "type": {}, "from_name": 3}, {"from_name": "brush"}, None])
def test_items_of_any_other_kind_do_no_harm(junk: Any) -> None:
    pictures, _ = read(submitted([junk]), submitted(items(), 2, by=2))
    assert drawn(pictures[0]) == [("Cell", 5, 6)]


def test_a_shape_without_a_pixel_is_left_out_alone() -> None:
    click = {**items(of="boxes")[0], "id": "click"}
    click["value"] = {**click["value"], "width": 0, "height": 0}
    picture, skipped = only(submitted([click, *items()]))
    assert (drawn(picture), skipped) == ([("Cell", 5, 6)], {reasons.EMPTY_SHAPES: 1})


def test_objects_of_labels_and_controls_that_are_gone_are_left_out_alone() -> None:
    renamed = {**items()[0], "id": "r"}
    renamed["value"] = {**renamed["value"], "brushlabels": ["Old"]}
    removed = {**items()[0], "id": "c", "from_name": "old"}
    picture, skipped = only(submitted([renamed, removed, *items()]))
    assert drawn(picture) == [("Cell", 5, 6)]
    assert skipped == {reasons.UNKNOWN_LABEL: 1, reasons.UNKNOWN_CONTROL: 1}


def test_a_question_with_several_answers_that_was_left_alone_has_none() -> None:
    config = (
        '<View><Image name="image" value="$image"/><Choices name="defects" toName="image" choice="multiple">'
        '<Choice value="Dark"/><Choice value="Noisy"/></Choices></View>'
    )
    (picture,), skipped = read(submitted([]), config=config)
    assert (picture.opinions[0].answers, skipped) == ({"defects": ()}, {})
    control = LabelConfig.parse(config).control("defects")
    assert control is not None
    (picture,), _ = read(submitted(encode_choices(control, ["Noisy", "Gone"])), config=config)
    assert picture.opinions[0].answers == {"defects": ("Noisy",)}
    assert read(submitted(encode_choices(control, ["Gone"])), config=config) == ([], {reasons.SILENT: 1})


def test_answers_that_are_no_longer_offered_are_left_out() -> None:
    picture, _ = only(submitted(focus("Noisy")))
    assert picture.opinions[0].answers == {}


def test_a_picture_that_was_annotated_in_two_sizes_is_left_out() -> None:
    other = [{**item, "original_width": 160, "original_height": 120} for item in items(of="polygon")]
    assert read(submitted(items()), submitted(other, 2, by=2)) == ([], {reasons.SIZES_DIFFER: 1})


def test_the_newest_statement_comes_first_and_counts_alone_for_its_person() -> None:
    picture, _ = only(
        submitted(items(1), 1, by=1),
        submitted(items(2), 4, by=2),
        submitted(items(3), 3, by=1),
        submitted(items(4), 2, by=None),
        submitted(items(6), 5, by=None),
    )
    tops = [(drawn(picture, person) or [])[0][1] for person in range(len(picture.opinions))]
    assert tops == [6, 2, 3, 4]


def test_ground_truth_wins_over_all_others() -> None:
    picture, _ = only(
        submitted(items(1), 1, by=1, ground_truth=True),
        submitted(items(2), 2, by=2),
        submitted(items(3), 3, by=3, ground_truth=True, was_cancelled=True),
    )
    assert (drawn(picture), len(picture.opinions)) == ([("Cell", 1, 6)], 1)


def test_each_picture_of_a_task_has_its_own_statements() -> None:
    images = "".join(f'<Image name="{name}" value="${name}"/>' for name in ("left", "right", "memo"))
    config = f"""<View>{images}
      <BrushLabels name="brush" toName="left,right">{LABELS}</BrushLabels></View>"""
    parsed = LabelConfig.parse(config)
    control = parsed.control("brush", "right")
    assert control is not None
    pictures, _ = read(submitted(encode_region(block(5, 6), control, "Cell", SIZE)), config=config)
    assert [(each.to_name, drawn(each)) for each in pictures] == [("left", []), ("right", [("Cell", 5, 6)])]


def test_a_bare_control_takes_its_labels_from_beside_it() -> None:
    config = f"""<View><Image name="image" value="$image"/>
      <Labels name="labels" toName="image">{LABELS}</Labels><Brush name="bare" toName="image"/></View>"""
    result = items(label="Debris", of="bare", config=config)
    (picture,), _ = read(submitted(result), config=config)
    assert drawn(picture) == [("Debris", 5, 6)]
