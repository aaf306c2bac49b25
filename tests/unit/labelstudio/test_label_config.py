from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import LabelConfigError, RequestError
from backend.labelstudio.controls import Control, ControlKind
from backend.labelstudio.image_addresses import ShownAndModels
from backend.labelstudio.label_config import ChoiceTarget, LabelConfig
from backend.labelstudio.label_config_warnings import config_warnings
from backend.labelstudio.label_config_xml import EXAMPLE, MAX_CHARACTERS
from models.prelabel.base import ImageClass
from tests.fixtures.recorded import recorded_request

LABELS = '<Label value="Cell"/><Label value="Debris"/>'
SHAPES = ["Brush", "Bitmask", "Polygon", "Vector", "Ellipse", "Rectangle", "KeyPoint"]


def config(*tags: str, image: str = '<Image name="image" value="$image"/>') -> LabelConfig:
    return LabelConfig.parse(f"<View>{image}{''.join(tags)}</View>")


def shape(tag: str, name: str, labels: str = LABELS, **attributes: str) -> str:
    extra = "".join(f' {key}="{value}"' for key, value in attributes.items())
    return f'<{tag} name="{name}" toName="image"{extra}>{labels}</{tag}>'


def name_of(control: Control | None) -> str | None:
    return None if control is None else control.name


def places(parsed: LabelConfig, *classes: str) -> Mapping[str, tuple[str, str | None]]:
    targets = parsed.prelabel_targets("image", classes)
    return {class_name: (target.control.name, target.label) for class_name, target in targets.items()}


@pytest.mark.parametrize("tag", SHAPES)
def test_every_shape_with_labels_is_a_control(tag: str) -> None:
    control = config(shape(f"{tag}Labels", "c")).control("c")
    assert control is not None
    assert (control.kind.value, control.to_name, control.label_values) == (
        tag.lower(),
        "image",
        ("Cell", "Debris"),
    )
    assert control.result_type == f"{tag.lower()}labels"
    assert control.tag == f'<{tag}Labels name="c">'


@pytest.mark.parametrize("tag", SHAPES)
def test_a_bare_shape_takes_the_labels_beside_it(tag: str) -> None:
    control = config(f'<{tag} name="c" toName="image"/>', shape("Labels", "names")).control("c")
    assert control is not None
    assert (control.label_values, control.labels_name) == (("Cell", "Debris"), "names")
    assert control.result_type == tag.lower()
    assert control.tag == f'<{tag} name="c">'


@pytest.mark.parametrize("tag", SHAPES)
def test_a_bare_shape_alone_has_no_labels(tag: str) -> None:
    control = config(f'<{tag} name="c" toName="image"/>').control("c")
    assert control is not None
    assert (control.labels, control.labels_name, control.dynamic_labels) == ((), None, False)
    assert control.result_type == tag.lower()


def test_choices_are_a_control() -> None:
    control = config(shape("Choices", "quality", '<Choice value="Good"/><Choice value="Bad"/>')).control(
        "quality"
    )
    assert control is not None
    assert (control.kind, control.label_values) == (ControlKind.CHOICES, ("Good", "Bad"))
    assert (control.result_type, control.tag) == ("choices", '<Choices name="quality">')


def test_tags_and_attributes_are_read_without_regard_to_case() -> None:
    parsed = LabelConfig.parse(
        '<VIEW><image NAME="image" value="$image"/>'
        '<keypointlabels name="kp" TONAME="image" Smart="true"><LABEL value="Cell"/></keypointlabels>'
        '<BRUSHLABELS name="b" toname="image" Model_Skip="FALSE"><label Value="Cell"/></BRUSHLABELS></VIEW>'
    )
    assert name_of(parsed.output_control("image", "Cell")) == "b"


def test_labels_may_sit_in_views_inside_the_control() -> None:
    parsed = config(
        '<View><Style>x</Style><View><BrushLabels name="b" toName="image"><View><Header value="Cells"/>'
        f"{LABELS}</View></BrushLabels></View></View>"
    )
    assert parsed.controls[0].label_values == ("Cell", "Debris")


def test_annotations_store_the_alias_but_models_may_name_either() -> None:
    parsed = config(
        shape("BrushLabels", "b", '<Label value="Red blood cell" alias="rbc"/><Label value="Other"/>')
    )
    control = parsed.controls[0]
    assert control.label_values == ("rbc", "Other")
    assert control.named_label("red blood cell") == control.named_label("RBC") == "rbc"


def test_controls_on_other_objects_are_left_out() -> None:
    parsed = config(
        '<Text name="text" value="$text"/>',
        '<Labels name="ner" toName="text"><Label value="Person"/></Labels>',
        '<Choices name="mood" toName="text"><Choice value="Good"/></Choices>',
        '<TextArea name="note" toName="image"/>',
        shape("BrushLabels", "b"),
    )
    assert [control.name for control in parsed.controls] == ["b"]
    assert parsed.images == {"image": "image"}
    assert parsed.ignored == ()


def test_a_control_of_two_pictures_draws_on_both() -> None:
    parsed = LabelConfig.parse(
        '<View><Image name="before" value="$a"/><Image name="after" value="$b"/>'
        f'<BrushLabels name="b" toName="before, after">{LABELS}</BrushLabels></View>'
    )
    assert parsed.images == {"before": "a", "after": "b"}
    assert [name_of(parsed.output_control(image, "Cell")) for image in ("before", "after")] == ["b", "b"]
    after = parsed.control("b", "after")
    assert after is not None and after.to_name == "after"
    assert parsed.control("b", "elsewhere") is None


def test_a_picture_without_controls_is_only_looked_at() -> None:
    parsed = LabelConfig.parse(
        '<View><Image name="plain" value="$image"/><Image name="enhanced" value="$enhanced"/>'
        f'<BrushLabels name="b" toName="enhanced">{LABELS}</BrushLabels></View>'
    )
    assert parsed.images == {"enhanced": "enhanced"}


@pytest.mark.parametrize("value", ["original", "$original", " $original "])
def test_models_may_look_at_another_picture_than_people(value: str) -> None:
    parsed = LabelConfig.parse(
        f'<View><Image name="image" value="$image" model_value="{value}"/>'
        f'<BrushLabels name="b" toName="image">{LABELS}</BrushLabels></View>'
    )
    both = {"image": "/data/a.png", "original": "/data/a.tif"}
    assert parsed.image_url("image", both) == ShownAndModels("/data/a.png", "/data/a.tif")
    for nothing in ({}, {"original": ""}, {"original": None}, {"original": 7}):
        assert parsed.image_url("image", {"image": "/data/a.png"} | nothing) == "/data/a.png"
    with pytest.raises(RequestError, match="no picture"):
        parsed.image_url("image", {"original": "/data/a.tif"})


def test_a_control_without_to_name_draws_on_the_only_picture() -> None:
    assert config(f'<BrushLabels name="b">{LABELS}</BrushLabels>').controls[0].to_name == "image"


def test_labels_from_task_data_are_tolerated() -> None:
    control = config('<BrushLabels name="b" toName="image" value="$labels"/>').controls[0]
    assert (control.labels, control.dynamic_labels, control.result_type) == ((), True, "brushlabels")


def test_repeated_and_several_page_pictures_are_left_to_people() -> None:
    parsed = config(
        '<Repeater on="$pages"><Image name="page_{{idx}}" value="$pages[{{idx}}]"/></Repeater>',
        '<Image name="book" valueList="$scans"/>',
        '<Image name="logo" value="https://example.com/logo.png"/>',
        '<MagicWand name="wand" toName="image"/>',
        shape("BrushLabels", "b"),
    )
    assert list(parsed.images) == ["image"]
    assert len(parsed.ignored) == 4
    assert config_warnings(parsed, [])[:4] == list(parsed.ignored)


@pytest.mark.parametrize(
    ("value", "data", "url"),
    [
        ("$image", {"image": "/a.png"}, "/a.png"),
        ("$scan.left", {"scan": {"left": "/l.png"}}, "/l.png"),
        ("$scan.left", {"scan.left": "/flat.png", "scan": {"left": "/l.png"}}, "/flat.png"),
        ("$pages[1].url", {"pages": [{}, {"url": "/2.png"}]}, "/2.png"),
    ],
)
def test_a_picture_is_found_where_its_value_points(value: str, data: dict[str, Any], url: str) -> None:
    parsed = config(shape("BrushLabels", "b"), image=f'<Image name="image" value="{value}"/>')
    assert parsed.image_url("image", data) == url


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"pages": None},
        {"pages": []},
        {"pages": [{}, "x"]},
        {"pages": [{}, {"url": 3}]},
        {"pages": [{}, {"url": ""}]},
    ],
)
def test_a_task_without_the_picture_is_refused_by_field(data: dict[str, Any]) -> None:
    parsed = config(shape("BrushLabels", "b"), image='<Image name="image" value="$pages[1].url"/>')
    with pytest.raises(RequestError, match=r"pages\[1\].url"):
        parsed.image_url("image", data)


def test_masks_go_to_the_first_control_that_keeps_most_of_their_shape() -> None:
    tags = [shape(f"{tag}Labels", tag) for tag in ("KeyPoint", "Rectangle", "Ellipse", "Polygon", "Brush")]
    for expected in ("Polygon", "Brush", "Ellipse", "Rectangle", None):
        if tags:
            assert (
                name_of(
                    config(*tags, shape("Choices", "q", '<Choice value="A"/>')).output_control(
                        "image", "Cell"
                    )
                )
                == expected
            )
        tags = [tag for tag in tags if f'name="{expected}"' not in tag]


@pytest.mark.parametrize("value", ["1", "true", "yes", "True"])
def test_skipped_controls_receive_nothing(value: str) -> None:
    parsed = config(
        shape("BrushLabels", "b", model_skip=value), shape("RectangleLabels", "r", model_skip="false")
    )
    assert name_of(parsed.output_control("image", "Cell")) == "r"
    assert places(parsed, "cell") == {"cell": ("r", "Cell")}


def test_controls_that_only_prompt_receive_nothing() -> None:
    parsed = config(shape("RectangleLabels", "r", smart="true"), shape("EllipseLabels", "e", smart="true"))
    assert (
        name_of(parsed.output_control("image", "Cell")) == "e"
    )  # its smart tool sends nothing: not a prompt


def test_a_mask_goes_to_a_control_that_has_its_label() -> None:
    parsed = config(
        shape("BrushLabels", "cells", '<Label value="Cell"/>'),
        '<Brush name="any" toName="image"/>',
        shape("PolygonLabels", "dirt", '<Label value="Debris"/>'),
    )
    assert name_of(parsed.output_control("image", "Cell")) == "cells"
    assert name_of(parsed.output_control("image", "Debris")) == "dirt"
    assert name_of(parsed.output_control("image", "Else")) == "any"
    assert name_of(parsed.output_control("image", None)) == "cells"
    assert parsed.output_control("elsewhere", None) is None


@pytest.mark.parametrize(
    ("tags", "label"),
    [
        (shape("BrushLabels", "b", '<Label value="Cell"/>'), "Cell"),
        (
            shape("BrushLabels", "b", '<Label value="Cell"/>')
            + shape("EllipseLabels", "e", '<Label value="Cell"/>'),
            "Cell",
        ),
        (shape("BrushLabels", "b"), None),
        (
            shape("BrushLabels", "b", '<Label value="Cell"/>')
            + shape("EllipseLabels", "e", '<Label value="X"/>'),
            None,
        ),
        (shape("BrushLabels", "b", '<Label value="Cell"/>', value="$more"), None),
        ('<Brush name="b" toName="image"/>', None),
        (
            shape("BrushLabels", "b", '<Label value="Cell"/>') + shape("KeyPointLabels", "kp", smart="true"),
            "Cell",
        ),
    ],
)
def test_a_picture_with_one_class_has_one_label(tags: str, label: str | None) -> None:
    assert config(tags).only_label("image") == label


def test_a_class_gets_the_label_that_names_it_then_the_equal_one_then_the_only_one() -> None:
    parsed = config(
        shape(
            "BrushLabels", "b", '<Label value="Car"/><Label value="Other" predicted_values=" truck , CAR "/>'
        ),
        shape("PolygonLabels", "p", '<Label value="Thing"/>'),
        '<Rectangle name="r" toName="image"/>',
    )
    several, one, none = parsed.controls
    assert parsed.label_for(several, "car") == "Other"
    assert parsed.label_for(several, "Truck") == "Other"
    assert parsed.label_for(several, "OTHER") == "Other"
    assert parsed.label_for(several, "tree") is None
    assert parsed.label_for(one, "tree") == "Thing"
    assert parsed.label_for(none, "tree") is None


def test_pre_labels_of_a_class_go_to_one_control() -> None:
    parsed = config(
        shape("RectangleLabels", "boxes"),
        shape("BrushLabels", "masks"),
        shape("PolygonLabels", "outlines", '<Label value="Debris"/><Label value="Dust"/>'),
    )
    assert places(parsed, "cell", "debris", "dust", "tree") == {
        "cell": ("masks", "Cell"),
        "debris": ("masks", "Debris"),
        "dust": ("outlines", "Dust"),
    }


def test_a_label_that_names_the_class_wins_over_a_control_with_one_label() -> None:
    parsed = config(
        shape("BrushLabels", "masks", '<Label value="Any"/>'),
        shape("RectangleLabels", "boxes", '<Label value="Nucleus" predicted_values="object"/>'),
    )
    assert places(parsed, "object", "tree") == {"object": ("boxes", "Nucleus"), "tree": ("masks", "Any")}


def test_a_bare_control_takes_pre_labels_of_any_class() -> None:
    assert places(config('<Brush name="b" toName="image"/>'), "object") == {"object": ("b", None)}


def test_key_points_receive_pre_labels_only_where_no_shape_fits() -> None:
    counting = shape("KeyPointLabels", "points", '<Label value="Cell"/>', smart="false")
    assert places(config(counting), "object") == {"object": ("points", "Cell")}
    assert places(config(counting, shape("EllipseLabels", "e", '<Label value="X"/>')), "cell") == {
        "cell": ("e", "X")
    }
    prompting = shape("KeyPointLabels", "points", '<Label value="Cell"/>', smart="true")
    assert places(config(prompting, shape("BrushLabels", "b")), "object") == {}


@pytest.mark.parametrize(
    ("attribute", "expected"),
    [
        ({}, 0.0),
        ({"model_score_threshold": "0.25"}, 0.25),
        ({"score_threshold": "1"}, 1.0),
        ({"model_score_threshold": "", "score_threshold": "0.5"}, 0.5),
    ],
)
def test_a_score_threshold_travels_with_the_target(attribute: dict[str, str], expected: float) -> None:
    target = config(shape("BrushLabels", "b", **attribute)).prelabel_targets("image", ["cell"])["cell"]
    assert target.score_threshold == expected


@pytest.mark.parametrize("text", ["1.1", "-0.1", "half", "nan", "inf"])
def test_an_impossible_score_threshold_is_refused(text: str) -> None:
    with pytest.raises(
        LabelConfigError, match=f'model_score_threshold of "b" must be a number from 0 to 1, not .{text}'
    ):
        config(shape("BrushLabels", "b", model_score_threshold=text))


def chosen(targets: tuple[ChoiceTarget, ...]) -> dict[str, tuple[str, ...]]:
    return {target.control.name: target.labels for target in targets}


def said(scores: dict[str, float], question: str = "") -> list[ImageClass]:
    return [ImageClass(class_name, score, question) for class_name, score in scores.items()]


def test_choices_are_made_only_for_classes_they_name() -> None:
    parsed = config(
        shape(
            "Choices",
            "quality",
            '<Choice value="Sharp"/><Choice value="Blurred" predicted_values="soft,noisy"/>',
        ),
        shape("Choices", "confirm", '<Choice value="Looks right"/>'),
    )
    assert chosen(parsed.choices_for("image", said({"sharp": 0.3, "soft": 0.2, "noisy": 0.6}))) == {
        "quality": ("Blurred",)
    }
    assert chosen(parsed.choices_for("image", said({"sharp": 0.9}))) == {"quality": ("Sharp",)}
    assert parsed.choices_for("image", said({"dark": 1.0})) == ()
    assert parsed.choices_for("elsewhere", said({"sharp": 1.0})) == ()


def test_a_statement_about_one_question_answers_no_other() -> None:
    choices = '<Choice value="Good"/><Choice value="Bad"/>'
    parsed = config(shape("Choices", "focus", choices), shape("Choices", "light", choices))
    statements = [*said({"Good": 0.9, "Bad": 0.1}, "focus"), *said({"Good": 0.2, "Bad": 0.8}, "light")]
    assert chosen(parsed.choices_for("image", statements)) == {"focus": ("Good",), "light": ("Bad",)}
    assert chosen(parsed.choices_for("image", said({"Good": 1.0}, "elsewhere"))) == {}
    assert chosen(parsed.choices_for("image", said({"Good": 1.0}))) == {
        "focus": ("Good",),
        "light": ("Good",),
    }


def test_controls_that_show_error_areas_receive_no_objects() -> None:
    areas = shape("BrushLabels", "areas", '<Label value="Check here"/>', model_error_areas="true")
    parsed = config(areas, shape("BrushLabels", "b"))
    assert [control.name for control in parsed.outputs("image")] == ["b"]
    assert [control.name for control in parsed.mask_controls("image")] == ["b"]


AREAS = shape(
    "RectangleLabels", "areas", '<Label value="Check"/><Label value="Look"/>', model_error_areas="true"
)


def test_error_areas_go_to_the_first_control_for_them_with_its_first_label() -> None:
    more = shape("BrushLabels", "more", '<Label value="There"/>', model_error_areas="true")
    target = config(shape("BrushLabels", "b"), AREAS, more).error_area_target("image")
    assert target is not None
    assert (target.control.name, target.label) == ("areas", "Check")


@pytest.mark.parametrize(
    "control",
    [
        "",
        shape("Choices", "c", '<Choice value="A"/>', model_error_areas="true"),
        shape("BrushLabels", "areas", LABELS, model_error_areas="true", model_skip="true"),
    ],
)
def test_without_a_control_for_them_error_areas_go_nowhere(control: str) -> None:
    parsed = config(shape("BrushLabels", "b"), control)
    assert parsed.error_area_target("image") is None
    assert config(shape("BrushLabels", "b"), AREAS).error_area_target("elsewhere") is None


def test_a_control_for_error_areas_asks_for_no_masks_and_takes_none() -> None:
    parsed = config(AREAS, shape("PolygonLabels", "p", '<Label value="Cell"/>'))
    area_control = parsed.control("areas")
    assert area_control is not None and not area_control.prompts
    assert name_of(parsed.output_control("image", "Check")) is None
    assert name_of(parsed.output_control("image", None)) == "p"
    assert parsed.only_label("image") == "Cell"
    assert places(parsed, "check", "cell") == {"check": ("p", "Cell"), "cell": ("p", "Cell")}


def test_a_control_for_error_areas_alone_is_no_place_for_results() -> None:
    with pytest.raises(LabelConfigError, match="no control"):
        config(AREAS)


def test_several_choices_are_made_where_the_tag_allows_them() -> None:
    choices = '<Choice value="Dark"/><Choice value="Noisy"/><Choice value="Cropped"/>'
    parsed = config(shape("Choices", "defects", choices, choice="multiple", model_score_threshold="0.5"))
    assert chosen(parsed.choices_for("image", said({"noisy": 0.7, "dark": 0.5, "cropped": 0.4}))) == {
        "defects": ("Dark", "Noisy")
    }


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [({}, ("Dark", "Noisy")), ({"model_score_threshold": "0.3"}, ("Dark", "Noisy", "Cropped"))],
)
def test_of_the_answers_to_one_question_the_likely_ones_are_chosen(
    attributes: dict[str, str], expected: tuple[str, ...]
) -> None:
    choices = '<Choice value="Dark"/><Choice value="Noisy"/><Choice value="Cropped"/>'
    parsed = config(shape("Choices", "defects", choices, choice="multiple", **attributes))
    statements = said({"Noisy": 0.5, "Dark": 0.9, "Cropped": 0.49}, "defects")
    assert chosen(parsed.choices_for("image", statements)) == {"defects": expected}
    assert parsed.choices_for("image", said({"Noisy": 0.2}, "defects")) == ()


def test_questions_about_regions_and_skipped_ones_are_not_answered() -> None:
    choice = '<Choice value="Sharp"/>'
    parsed = config(
        shape("Choices", "region", choice, perRegion="true"),
        shape("Choices", "page", choice, perItem="true"),
        shape("Choices", "people", choice, model_skip="true"),
        shape("BrushLabels", "b"),
    )
    assert parsed.choices_for("image", said({"sharp": 1.0})) == ()


def test_choices_inside_choices_are_left_out() -> None:
    nested = '<Choice value="Animal"><Choice value="Cat"/></Choice>'
    assert config(shape("Choices", "what", nested)).controls[0].label_values == ("Animal",)


@pytest.mark.parametrize(
    ("xml", "message"),
    [
        ("", "is not plain XML"),
        ("<View>", "is not plain XML"),
        ("\ud800", "is not plain XML"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><View>&a;</View>', "is not plain XML"),
        ("<View></View>", "no usable <Image>"),
        ('<View><Image name="book" valueList="$scans"/></View>', "shows several pages"),
        ('<View><Image name="image" value="$image"/></View>', "no control on a picture"),
        (
            f'<View><Image name="image" value="$image"/>{shape("KeyPointLabels", "kp", smart="true")}</View>',
            "only prompt",
        ),
        (
            f'<View><Image name="image" value="$image"/>{shape("Brush", "b", model_skip="true")}</View>',
            "model_skip",
        ),
        (
            f'<View><Image name="image" value="$image"/>{shape("Choices", "c", perRegion="true")}</View>',
            "no control",
        ),
        (
            f'<View><Image name="other" value="$image"/>{shape("BrushLabels", "b")}</View>',
            "no control on a picture",
        ),
        (" " * (MAX_CHARACTERS + 1), "1048577 characters, 1048576 are allowed"),
    ],
)
def test_an_unusable_config_is_refused_with_one_that_works(xml: str, message: str) -> None:
    with pytest.raises(LabelConfigError, match=message) as caught:
        LabelConfig.parse(xml)
    assert str(caught.value).endswith(EXAMPLE)


def test_the_config_in_the_error_works_without_surprises() -> None:
    assert config_warnings(LabelConfig.parse(EXAMPLE), ["object"]) == []


def test_deeply_nested_tags_are_read() -> None:
    depth = 50_000
    nested = "<View>" * depth + shape("BrushLabels", "b") + "</View>" * depth
    assert config(nested).controls[0].name == "b"


def test_the_same_text_is_read_once() -> None:
    assert LabelConfig.parse(EXAMPLE) is LabelConfig.parse(str(EXAMPLE))


@pytest.mark.parametrize(
    ("tags", "sentence"),
    [
        (
            shape("BrushLabels", "b"),
            'smart is on by default for <BrushLabels name="b">, whose smart tool does nothing',
        ),
        (
            shape("RectangleLabels", "r"),
            'smart is on by default for <RectangleLabels name="r">, so what is drawn',
        ),
        (
            shape("PolygonLabels", "p", smart="true"),
            'The smart tool of <PolygonLabels name="p"> sends nothing',
        ),
        (shape("VectorLabels", "v"), 'add closable="true" to <VectorLabels name="v">'),
        (shape("BrushLabels", "b", smart="false"), 'Nothing on <Image name="image"> asks for masks'),
        (
            shape("BrushLabels", "b", smart="false"),
            "No label of <BrushLabels name=\"b\"> matches 'object' or 'blob', so no pre-labels appear: "
            'add predicted_values="object"',
        ),
        (
            shape("BrushLabels", "b")
            + shape("KeyPointLabels", "kp", '<Label value="Cell"/><Label value="Egg"/>', smart="true"),
            'Prompts with the label Egg of <KeyPointLabels name="kp"> get no mask',
        ),
        (
            shape("BrushLabels", "b") + '<KeyPoint name="kp" toName="image" smart="true"/>',
            '<KeyPoint name="kp"> has no labels and the controls for masks on <Image name="image">',
        ),
    ],
)
def test_what_will_surprise_is_said(tags: str, sentence: str) -> None:
    assert any(sentence in warning for warning in config_warnings(config(tags), ["object", "blob"]))


def test_a_model_with_more_classes_than_the_project_is_no_surprise() -> None:
    parsed = config(shape("BrushLabels", "b", smart="false"), shape("KeyPointLabels", "kp", smart="true"))
    assert config_warnings(parsed, ["cell", "tree"]) == []


def test_the_recorded_config_is_understood() -> None:
    parsed = LabelConfig.parse(recorded_request("open_task_first-2").json["label_config"])
    assert parsed.images == {"image": "image"}
    assert [(c.name, c.result_type) for c in parsed.controls] == [
        ("brush", "brushlabels"),
        ("kp", "keypointlabels"),
        ("rect", "rectanglelabels"),
    ]
    assert name_of(parsed.output_control("image", "Other")) == "brush"


@given(
    st.lists(
        st.builds(
            shape,
            st.sampled_from([f"{tag}Labels" for tag in SHAPES] + SHAPES),
            st.sampled_from("abcdef"),
            st.sampled_from([LABELS, '<Label value="Cell"/>', ""]),
            smart=st.sampled_from(["true", "false"]),
            model_skip=st.sampled_from(["true", "false"]),
        ),
        max_size=6,
    )
)
def test_no_object_goes_where_the_model_may_not_write(tags: list[str]) -> None:
    parsed = config(*tags, shape("Choices", "q", '<Choice value="A"/>'))
    target = parsed.prelabel_targets("image", ["cell"]).get("cell")
    outputs = [parsed.output_control("image", "Cell")] + ([target.control] if target else [])
    assert all(control is None or control.takes_results for control in outputs)
    assert target is None or target.label in (None, "Cell")
