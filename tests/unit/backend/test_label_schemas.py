from typing import Any

import pytest

from backend.labelstudio.label_config import LabelConfig
from backend.services.label_schemas import UNLABELLED, class_of, label_schema
from models.label_schema import LabelSchema, Question
from models.prelabel.base import ImageClass

IMAGE = '<Image name="image" value="$image"/>'


def config(*tags: str, image: str = IMAGE) -> LabelConfig:
    return LabelConfig.parse(f"<View>{image}{''.join(tags)}</View>")


def tag(name: str, of: str, *labels: str, to: str = "image", **attributes: str) -> str:
    inner = "".join(f'<{"Choice" if of == "Choices" else "Label"} value="{label}"/>' for label in labels)
    extra = "".join(f' {key}="{value}"' for key, value in attributes.items())
    return f'<{of} name="{name}" toName="{to}"{extra}>{inner}</{of}>'


MIXED = (
    tag("boxes", "RectangleLabels", "Cell", "Debris", smart="false"),
    tag("masks", "BrushLabels", "Nucleus", "Cell"),
    tag("focus", "Choices", "Sharp", "Blurred"),
    tag("defects", "Choices", "Dark", "Scratch", choice="multiple"),
)


def test_classes_and_questions_come_in_document_order() -> None:
    assert label_schema(config(*MIXED)) == LabelSchema(
        ("Cell", "Debris", "Nucleus"),
        (Question("focus", ("Sharp", "Blurred")), Question("defects", ("Dark", "Scratch"), multiple=True)),
    )


@pytest.mark.parametrize(
    "left_out",
    [
        tag("p", "KeyPointLabels", "Click", smart="true"),
        tag("p", "KeyPointLabels", "Counted", smart="false"),
        tag("p", "RectangleLabels", "Prompt", smart="true"),
        tag("p", "BrushLabels", "Belongs", hint="positive"),
        tag("p", "BrushLabels", "Private", model_skip="true"),
        tag("p", "BrushLabels", "Check here", model_error_areas="true"),
        tag("p", "Choices", "Good", perRegion="true"),
        tag("p", "Choices", "Good", model_skip="true"),
        tag("p", "Choices", value="$asked"),
    ],
)
def test_prompts_points_and_what_is_left_to_people_are_not_learnt(left_out: str) -> None:
    parsed = config(tag("masks", "BrushLabels", "Cell"), left_out)
    assert label_schema(parsed) == LabelSchema(("Cell",))


def test_one_schema_holds_what_is_asked_about_all_pictures() -> None:
    two = '<Image name="left" value="$left"/><Image name="right" value="$right"/>'
    parsed = config(
        tag("l", "BrushLabels", "Cell", to="left"),
        tag("r", "PolygonLabels", "Cell", "Fibre", to="right"),
        tag("both", "Choices", "Good", "Bad", to="left,right"),
        image=two,
    )
    assert label_schema(parsed) == LabelSchema(("Cell", "Fibre"), (Question("both", ("Good", "Bad")),))


def test_what_is_drawn_without_labels_is_an_object() -> None:
    parsed = config('<Brush name="b" toName="image"/>')
    assert label_schema(parsed) == LabelSchema((UNLABELLED,))
    assert class_of(parsed.controls[0], ()) == UNLABELLED


@pytest.mark.parametrize(
    "tags",
    [
        MIXED,
        (
            '<Labels name="l" toName="image"><Label value="A"/><Label value="B"/></Labels>',
            '<Brush name="b" toName="image"/>',
            '<Rectangle name="r" toName="image" smart="false"/>',
        ),
        ('<Polygon name="p" toName="image"/>',),
        (tag("masks", "BitmaskLabels", "cell", "CELLS", "A &amp; B"), tag("e", "EllipseLabels", "Round")),
    ],
)
def test_every_class_and_answer_finds_its_way_back(tags: tuple[str, ...]) -> None:
    parsed = config(*tags)
    schema = label_schema(parsed)
    targets = parsed.prelabel_targets("image", schema.classes)
    found = {name: target.label or UNLABELLED for name, target in targets.items()}
    assert found == {name: name for name in schema.classes}
    for question in schema.questions:
        for answer in question.answers:
            (choice,) = parsed.choices_for("image", [ImageClass(answer, 0.9, question.name)])
            assert (choice.control.name, choice.labels) == (question.name, (answer,))


@pytest.mark.parametrize(
    ("attributes", "labels", "drawn", "expected"),
    [
        ({}, ("Cell", "Debris"), ("Debris",), "Debris"),
        ({}, ("Cell", "Debris"), ("Renamed", "Cell"), "Cell"),
        ({}, ("Cell", "Debris"), ("Renamed",), None),
        ({}, ("Cell", "Debris"), (), None),
        ({}, ("Cell",), (), "Cell"),
        ({"value": "$more"}, ("Cell",), (), None),
        ({"value": "$more"}, (), ("Any",), None),
    ],
)
def test_a_drawn_object_has_the_class_of_its_label(
    attributes: dict[str, Any], labels: tuple[str, ...], drawn: tuple[str, ...], expected: str | None
) -> None:
    parsed = config(tag("b", "BrushLabels", *labels, **attributes))
    assert class_of(parsed.controls[0], drawn) == expected
