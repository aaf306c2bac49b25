from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from backend.labelstudio.label_config import LabelConfig
from backend.labelstudio.rle import encode
from backend.labelstudio.submissions import AnnotatedTask, annotated_task
from scripts.errors import PrepareError
from scripts.preparing.masks import UNLABELLED, MaskMaker

CONFIG = """<View>
  <Image name="image" value="$image"/>
  <BrushLabels name="out" toName="image"><Label value="Cell"/><Label value="Nucleus"/></BrushLabels>
  <PolygonLabels name="check" toName="image" model_error_areas="true"><Label value="Check"/></PolygonLabels>
  <KeyPointLabels name="point" toName="image" smart="true"><Label value="Cell"/></KeyPointLabels>
</View>"""
SIZE = {"original_width": 6, "original_height": 4}


def drawn(region: str, label: str | None, mask: NDArray[np.bool_]) -> dict[str, Any]:
    rle = encode(mask)
    value = {"format": "rle", "rle": rle} | ({} if label is None else {"brushlabels": [label]})
    return {
        "id": region,
        "type": "brushlabels",
        "from_name": "out",
        "to_name": "image",
        "value": value,
    } | SIZE


def task(*results: list[dict[str, Any]], data: dict[str, Any] | None = None, **more: Any) -> AnnotatedTask:
    annotations = [
        {"id": number, "result": result, "updated_at": f"2026-01-0{number + 1}T00:00:00Z"} | more
        for number, result in enumerate(results)
    ]
    return annotated_task(7, {"data": data or {"image": "x"}}, annotations)


def half(side: str) -> NDArray[np.bool_]:
    mask = np.zeros((4, 6), dtype=bool)
    mask[:, :3] = side == "left"
    mask[:, 3:] = side == "right"
    return mask


def maker(*, objects: bool = False) -> MaskMaker:
    return MaskMaker(LabelConfig.parse(CONFIG), objects=objects)


def test_numbers_are_those_of_the_labels_in_the_config() -> None:
    (mask,) = maker().masks(task([drawn("a", "Nucleus", half("left")), drawn("b", "Cell", half("right"))]))
    assert mask.name == "task-7"
    assert mask.numbers.tolist() == [[2, 2, 2, 1, 1, 1]] * 4
    assert mask.labels == {1: "Cell", 2: "Nucleus"}
    assert maker().classes == {"Cell": 1, "Nucleus": 2}


def test_objects_have_numbers_of_their_own() -> None:
    (mask,) = maker(objects=True).masks(
        task([drawn("a", "Cell", half("left")), drawn("b", "Cell", half("right"))])
    )
    assert mask.numbers.tolist() == [[1, 1, 1, 2, 2, 2]] * 4
    assert mask.labels == {1: "Cell", 2: "Cell"}


def test_labels_that_the_config_does_not_have_get_the_next_numbers() -> None:
    (mask,) = maker().masks(task([drawn("a", "Debris", half("left")), drawn("b", None, half("right"))]))
    assert mask.labels == {3: "Debris", 4: UNLABELLED}


def test_the_newest_annotation_counts_unless_one_is_the_truth() -> None:
    old, new = [drawn("a", "Cell", half("left"))], [drawn("b", "Cell", half("right"))]
    (newest,) = maker().masks(task(old, new))
    assert newest.numbers[0].tolist() == [0, 0, 0, 1, 1, 1]
    both = task(old, new)
    truth = annotated_task(
        7,
        {"data": both.data},
        [
            {"id": 1, "result": old, "ground_truth": True, "updated_at": "2026-01-01T00:00:00Z"},
            {"id": 2, "result": new, "updated_at": "2026-01-02T00:00:00Z"},
        ],
    )
    (mask,) = maker().masks(truth)
    assert mask.numbers[0].tolist() == [1, 1, 1, 0, 0, 0]


def test_skipped_tasks_have_no_mask() -> None:
    assert list(maker().masks(task([], was_cancelled=True))) == []
    assert list(maker().masks(task())) == []


def test_an_empty_annotation_is_an_empty_mask_if_the_task_says_the_size() -> None:
    prepared = {"image": "x", "original": "/data/local-files/?d=raw/a.tif", "orientation": 6}
    (mask,) = maker().masks(task([], data=prepared | {"height": 6, "width": 4}))
    assert (mask.name, mask.numbers.tolist()) == ("raw/a.tif", [[0] * 6] * 4)
    with pytest.raises(PrepareError, match="does not say"):
        list(maker().masks(task([], data=prepared)))


def test_a_mask_of_another_size_than_the_picture_is_an_error() -> None:
    with pytest.raises(PrepareError, match="several sizes"):
        list(
            maker().masks(
                task([drawn("a", "Cell", half("left"))], data={"image": "x", "height": 9, "width": 6})
            )
        )


def test_an_annotation_that_cannot_be_read_gives_no_half_mask() -> None:
    broken = drawn("b", "Cell", half("right"))
    broken["value"]["rle"] = [1, 2, 3]
    with pytest.raises(PrepareError, match="Annotation 0 cannot be read: Region b"):
        list(maker().masks(task([drawn("a", "Cell", half("left")), broken])))


def test_prompts_and_areas_to_check_are_not_in_the_mask() -> None:
    corners = [[0, 0], [100, 0], [100, 100]]
    area = {"id": "c", "type": "polygonlabels", "from_name": "check", "to_name": "image"} | SIZE
    point = {"id": "p", "type": "keypointlabels", "from_name": "point", "to_name": "image"} | SIZE
    items: list[dict[str, Any]] = [
        area | {"value": {"points": corners, "polygonlabels": ["Check"]}},
        point | {"is_positive": True, "value": {"x": 1, "y": 1, "keypointlabels": ["Cell"]}},
        drawn("a", "Cell", half("left")),
    ]
    (mask,) = maker().masks(task(items))
    assert np.unique(mask.numbers).tolist() == [0, 1]
    assert mask.numbers[:, 3:].max() == 0


def test_what_people_draw_alone_is_in_the_mask_and_questions_have_none() -> None:
    config = """<View>
      <Image name="image" value="$image"/><Image name="other" value="$other"/>
      <BrushLabels name="out" toName="image" model_skip="true"><Label value="Cell"/></BrushLabels>
      <Choices name="quality" toName="other"><Choice value="Sharp"/></Choices>
    </View>"""
    masks = MaskMaker(LabelConfig.parse(config), objects=False).masks(
        task([drawn("a", "Cell", half("left"))])
    )
    (mask,) = masks
    assert (mask.name, mask.numbers[0].tolist()) == ("task-7", [1, 1, 1, 0, 0, 0])


def test_masks_of_several_pictures_say_which() -> None:
    config = """<View>
      <Image name="before" value="$a"/><Image name="after" value="$b"/>
      <BrushLabels name="out" toName="before,after"><Label value="Cell"/></BrushLabels>
    </View>"""
    items = [
        drawn(name, "Cell", half(side)) | {"to_name": name}
        for name, side in (("before", "left"), ("after", "right"))
    ]
    masks = list(MaskMaker(LabelConfig.parse(config), objects=False).masks(task(items)))
    assert [mask.name for mask in masks] == ["task-7.before", "task-7.after"]
    assert masks[1].numbers[0].tolist() == [0, 0, 0, 1, 1, 1]
