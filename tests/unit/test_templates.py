from pathlib import Path

import pytest
from label_studio_sdk.label_interface.interface import LabelInterface

from backend.labelstudio.label_config import ControlKind, LabelConfig
from backend.labelstudio.label_config_warnings import config_warnings
from backend.labelstudio.prompts import read_prompts

TEMPLATES = sorted((Path(__file__).parents[2] / "scripts" / "templates").glob("*.xml"))
OUTPUTS = {
    "bitmask-masks": ControlKind.BITMASK,
    "boxes": ControlKind.RECTANGLE,
    "brush-masks": ControlKind.BRUSH,
    "counting": ControlKind.KEYPOINT,
    "ellipses": ControlKind.ELLIPSE,
    "error-areas": ControlKind.BRUSH,
    "masks-and-classification": ControlKind.BRUSH,
    "one-class": ControlKind.BRUSH,
    "polygons": ControlKind.POLYGON,
    "scribbles": ControlKind.BRUSH,
    "side-by-side": ControlKind.BRUSH,
    "two-images": ControlKind.BRUSH,
    "vectors": ControlKind.VECTOR,
    "warnings": ControlKind.BRUSH,
}


def test_every_template_is_tried() -> None:
    assert [path.stem for path in TEMPLATES] == sorted(OUTPUTS)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_label_studio_accepts_the_template(path: Path) -> None:
    assert LabelInterface(path.read_text(encoding="utf-8")).is_valid


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_a_template_says_what_it_is_for(path: Path) -> None:
    first_line = path.read_text(encoding="utf-8").splitlines()[0]
    assert first_line.startswith("<!-- ") and first_line.endswith(". -->")


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_objects_of_every_picture_go_where_the_template_means(path: Path) -> None:
    config = LabelConfig.parse(path.read_text(encoding="utf-8"))
    for image in config.images:
        target = config.prelabel_targets(image, ["object"])["object"]
        assert (target.control.kind, target.label) == (OUTPUTS[path.stem], "Object")


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_a_template_holds_no_surprises(path: Path) -> None:
    assert config_warnings(LabelConfig.parse(path.read_text(encoding="utf-8")), ["object"]) == []


@pytest.mark.parametrize(
    "path", [path for path in TEMPLATES if path.stem != "counting"], ids=lambda path: path.stem
)
def test_every_click_that_the_template_offers_gets_a_mask(path: Path) -> None:
    config = LabelConfig.parse(path.read_text(encoding="utf-8"))
    prompting = [control for control in config.controls if control.prompts]
    assert {control.to_name for control in prompting} == set(config.images)
    for control in prompting:
        for label in control.label_values or (None,):
            value = {"x": 50, "y": 50, "width": 10, "height": 10, "labels": [label] if label else []}
            item = {"from_name": control.name, "to_name": control.to_name, "value": value}
            (group,) = read_prompts([{**item, "original_width": 80, "original_height": 60}], config)
            assert group.label == (label or "Object")
            output = config.output_control(control.to_name, group.label)
            assert output is not None and output.kind is OUTPUTS[path.stem]
