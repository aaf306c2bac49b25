from typing import Any

import numpy as np
import pytest

from backend.labelstudio.answers import Answer
from backend.labelstudio.label_config import LabelConfig
from backend.labelstudio.prediction_checks import PredictionChecks
from backend.labelstudio.results import encode_choices, encode_region
from models.prelabel.base import ImageClass
from tests.unit.labelstudio.drawing import CONFIG, CONTROLS
from tests.unit.labelstudio.shapes import disc, region_of, size_of

DISC = disc(60, 20)


def problems(*items: dict[str, Any]) -> list[str]:
    return PredictionChecks(CONFIG).problems(Answer(items, 0.5, "v"))


def region(name: str = "brush", label: str = "Cell", **changes: Any) -> dict[str, Any]:
    (item,) = encode_region(region_of(DISC), CONTROLS[name], label, size_of(DISC))
    return item | changes


@pytest.mark.parametrize(
    "name", ["brush", "bitmask", "polygon", "vector", "rectangle", "ellipse", "keypoint"]
)
def test_what_this_service_writes_has_no_problems(name: str) -> None:
    assert problems(region(name)) == []


def test_a_statement_about_the_picture_needs_no_size() -> None:
    (choice,) = LabelConfig.parse(CONFIG).choices_for("image", [ImageClass("Sharp", 0.9)])
    assert problems(*encode_choices(choice.control, choice.labels)) == []


def test_nothing_is_no_problem() -> None:
    assert problems() == []


@pytest.mark.parametrize(
    ("item", "problem"),
    [
        (region(from_name="nobody"), "nobody"),
        (region(value={"format": "rle", "rle": [0], "brushlabels": ["Nothing"]}), "Nothing"),
        (region(score=1.5), "Region 0: the score 1.5 is not in"),
        (region(score=float("nan")), "Region 0: the score nan is not in"),
        (region(original_width=0), "0 x 60 pixels are no picture"),
        (region(original_height=None), "60 x None pixels are no picture"),
        (region(original_height=61), "the mask has not 60 x 61 pixels"),
    ],
)
def test_what_an_import_would_drop_or_the_editor_would_choke_on_is_named(
    item: dict[str, Any], problem: str
) -> None:
    assert any(problem in found for found in problems(item)), problems(item)


def test_regions_of_one_picture_have_one_size() -> None:
    other = np.zeros((30, 60), dtype=bool)
    other[3:9, 5:20] = True
    (small,) = encode_region(region_of(other), CONTROLS["brush"], "Cell", size_of(other))
    assert problems(region(), small) == [
        "Region 1: the picture has 60 x 30 pixels here and another size in other regions"
    ]
