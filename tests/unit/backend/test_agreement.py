from typing import Any

import numpy as np
import pytest

from backend.labelstudio.label_config import LabelConfig
from backend.services.agreement import Agreement, matched_ious
from models.regions import Region

CONFIG = """<View><Image name="image" value="$image"/>
<RectangleLabels name="box" toName="image"><Label value="Cell"/><Label value="Dirt"/></RectangleLabels>
<Choices name="stain" toName="image"><Choice value="weak"/><Choice value="strong"/></Choices></View>"""


def box(left: float, label: str = "Cell", width: float = 20) -> dict[str, Any]:
    value = {"x": left, "y": 0, "width": width, "height": 50, "rotation": 0, "rectanglelabels": [label]}
    size = {"original_width": 100, "original_height": 100, "image_rotation": 0}
    return (
        {"id": f"{label}{left}", "value": value, "from_name": "box", "to_name": "image"}
        | size
        | {"type": "rectanglelabels"}
    )


def choice(answer: str) -> dict[str, Any]:
    return {
        "id": "c",
        "type": "choices",
        "from_name": "stain",
        "to_name": "image",
        "value": {"choices": [answer]},
    }


def compared(predicted: list[Any], annotated: list[Any]) -> Any:
    return Agreement(LabelConfig.parse(CONFIG)).of_task(predicted, annotated)


def test_a_pre_label_that_was_accepted_agrees_with_itself() -> None:
    found = compared([box(0), box(50, "Dirt"), choice("weak")], [box(0), box(50, "Dirt"), choice("weak")])
    assert (found.dice, found.iou, found.object_ious, found.right) == (1, 1, (1, 1), {"stain": True})


def test_a_moved_object_overlaps_in_part() -> None:
    found = compared([box(0)], [box(10)])
    assert found.dice == pytest.approx(0.5)
    assert found.iou == pytest.approx(1 / 3)
    assert found.object_ious == pytest.approx((1 / 3,))


def test_missed_and_invented_objects_and_wrong_classes_count_as_nothing() -> None:
    assert sorted(compared([box(0)], [box(0), box(50)]).object_ious) == [0, 1]
    assert sorted(compared([box(0), box(50)], [box(0)]).object_ious) == [0, 1]
    assert compared([box(0)], [box(0, "Dirt")]).object_ious == (0, 0)


def test_two_empty_pictures_agree_and_one_empty_one_does_not() -> None:
    assert compared([], []).dice == 1
    assert compared([], [box(0)]).dice == 0


def test_answers_are_compared_apart_from_objects() -> None:
    found = compared([box(0), choice("weak")], [box(0), choice("strong")])
    assert (found.dice, found.right) == (1, {"stain": False})
    assert compared([], [choice("weak")]).right == {"stain": False}


def test_what_cannot_be_read_is_not_judged() -> None:
    assert compared([box(0)], [box(0) | {"value": {}}]) is None


def test_of_several_overlaps_the_best_pairs_count() -> None:
    one, shifted = (Region(np.ones((4, 4), dtype=bool), 0, left, "Cell") for left in (0, 1))
    assert matched_ious([shifted, one], [one]) == [1.0, 0.0]
