from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from backend.errors import ImageUnavailableError
from backend.labelstudio.images import ImageLimits, ImageLoader
from backend.labelstudio.label_config import LabelConfig
from backend.labelstudio.results import encode_choices, encode_region
from backend.labelstudio.submissions import annotated_task
from backend.services.annotated_pictures import SIZES_DIFFER
from backend.services.box_masks import BoxMasks
from backend.services.example_making import NO_PICTURE, ExampleMaker
from backend.services.label_schemas import label_schema
from backend.services.sequences import SequenceFields
from models.errors import ImageError
from models.interactive.graphcut import GraphCut
from models.regions import Region
from models.training.examples import Example
from tests.fakes.pictures import DISC, disc_picture

CONFIG = """<View>
  <Image name="image" value="$image"/>
  <BrushLabels name="brush" toName="image" smart="false"><Label value="Disc"/></BrushLabels>
  <RectangleLabels name="boxes" toName="image" smart="false"><Label value="Disc"/></RectangleLabels>
  <Choices name="focus" toName="image"><Choice value="Sharp"/><Choice value="Blurred"/></Choices>
</View>"""
TWO_IMAGES = """<View>
  <Image name="left" value="$left"/><Image name="right" value="$right"/>
  <BrushLabels name="brush" toName="left,right"><Label value="Disc"/></BrushLabels>
</View>"""
SIZE = (120, 160)
BOX = Region(np.ones((70, 70), dtype=bool), 25, 35)
FIELDS = SequenceFields(("sequence", "video"), ("frame",))


@pytest.fixture
def images(tmp_path: Path) -> ImageLoader:
    (tmp_path / "imgs").mkdir()
    cv2.imwrite(str(tmp_path / "imgs" / "disc.png"), disc_picture()[..., ::-1])
    cv2.imwrite(str(tmp_path / "imgs" / "small.png"), disc_picture()[:60, :80, ::-1])
    return ImageLoader(
        label_studio_url=None,
        credentials=None,
        local_files_root=tmp_path,
        allowed_hosts=(),
        allowed_private_hosts=(),
        limits=ImageLimits(),
        cache_bytes=0,
        on_lookup=lambda hit: None,
    )


def url(name: str = "disc") -> str:
    return f"/data/local-files/?d=imgs/{name}.png"


def make(
    images: ImageLoader,
    annotations: Sequence[list[Any]],
    *,
    config: str = CONFIG,
    boxes: BoxMasks | None = None,
    meta: dict[str, Any] | None = None,
    **data: Any,
) -> tuple[list[Example], dict[str, int]]:
    """Examples of task 7 with one annotation per person, the oldest first."""
    submitted = [
        {"id": n, "completed_by": n, "updated_at": f"2026-11-21T00:00:{n:02}Z", "result": result}
        for n, result in enumerate(annotations)
    ]
    parsed = LabelConfig.parse(config)
    maker = ExampleMaker(3, parsed, label_schema(parsed), images=images, boxes=boxes, sequences=FIELDS)
    task = annotated_task(7, {"data": {"image": url()} | data, "meta": meta}, submitted)
    return list(maker.examples(task)), {reason: n for reason, n in maker.skipped.items() if n}


def drawn(region: Region, name: str = "brush", to_name: str = "image", config: str = CONFIG) -> list[Any]:
    control = LabelConfig.parse(config).control(name, to_name)
    assert control is not None
    return encode_region(region, control, "Disc", SIZE)


def disc() -> Region:
    region = Region.from_mask(DISC)
    assert region is not None
    return region


def test_an_example_has_the_objects_the_answers_and_the_picture(images: ImageLoader) -> None:
    focus = LabelConfig.parse(CONFIG).control("focus")
    assert focus is not None
    (example,), _ = make(images, [[*drawn(disc()), *encode_choices(focus, ["Sharp"])]])
    assert (example.key, example.group) == ("7/image", "7/image")
    (region,) = example.regions or ()
    assert (region.class_name, region.iou(disc())) == ("Disc", 1.0)
    assert example.answers == {"focus": ("Sharp",)}
    assert np.array_equal(example.load_image(), disc_picture())


def test_several_people_make_one_example(images: ImageLoader) -> None:
    shifted = Region(disc().mask, disc().top + 4, disc().left)
    (example,), _ = make(images, [drawn(shifted), drawn(disc()), drawn(disc())])
    (region,) = example.regions or ()
    assert region.iou(disc()) == 1.0


@pytest.mark.parametrize(
    ("data", "meta", "group"),
    [
        ({"sequence": "a"}, {"sequence": "b"}, "a"),
        ({}, {"sequence": "b"}, "b"),
        ({"video": "v"}, {"sequence": "b"}, "b"),
        ({"video": 12}, {}, "12"),
        ({"sequence": "", "video": "v"}, {}, "v"),
        ({"sequence": ["a"]}, None, "7/image"),
        ({"frame": 3}, None, "7/image"),
    ],
)
def test_examples_of_a_sequence_are_one_group(
    images: ImageLoader, data: dict[str, Any], meta: dict[str, Any] | None, group: str
) -> None:
    (example,), _ = make(images, [[]], meta=meta, **data)
    assert example.group == group


@pytest.mark.parametrize(
    ("data", "meta", "frame"),
    [
        ({"sequence": "a", "frame": 12}, None, 12.0),
        ({"sequence": "a", "frame": "012"}, {"frame": 3}, 12.0),
        ({"sequence": "a", "frame": "last"}, {"frame": 3}, 3.0),
        ({}, {"sequence": "a", "frame": 0.5}, 0.5),
        ({"sequence": "a"}, None, None),
        ({"frame": 12}, None, None),
        ({"sequence": "a", "frame": True}, None, None),
        ({"sequence": "a", "frame": [1]}, None, None),
        ({"sequence": "a", "frame": float("nan")}, None, None),
        ({"sequence": "a", "frame": 10**400}, None, None),
    ],
)
def test_an_example_has_the_place_in_its_sequence_that_the_task_states(
    images: ImageLoader, data: dict[str, Any], meta: dict[str, Any] | None, frame: float | None
) -> None:
    (example,), _ = make(images, [[]], meta=meta, **data)
    assert example.frame == frame


def test_the_pictures_of_a_task_are_one_group(images: ImageLoader) -> None:
    result = drawn(disc(), to_name="right", config=TWO_IMAGES)
    examples, _ = make(images, [result], config=TWO_IMAGES, left=url(), right=url())
    assert [(each.key, each.group) for each in examples] == [("7/left", "7/left"), ("7/right", "7/left")]
    assert [len(each.regions or ()) for each in examples] == [0, 1]


def test_several_pictures_of_a_task_have_no_place_in_its_sequence(images: ImageLoader) -> None:
    examples, _ = make(images, [[]], config=TWO_IMAGES, left=url(), right=url(), sequence="a", frame=1)
    assert [(each.group, each.frame) for each in examples] == [("a", None)] * 2


def test_a_picture_that_the_task_does_not_name_is_left_out(images: ImageLoader) -> None:
    result = drawn(disc(), to_name="right", config=TWO_IMAGES)
    examples, skipped = make(images, [result], config=TWO_IMAGES, right=url())
    assert ([each.key for each in examples], skipped) == (["7/right"], {NO_PICTURE: 1})


def test_a_box_becomes_the_mask_of_what_is_in_it(images: ImageLoader, tmp_path: Path) -> None:
    boxes = BoxMasks(tmp_path / "kept", lambda: GraphCut())
    (example,), _ = make(images, [[*drawn(BOX, "boxes"), *drawn(disc())]], boxes=boxes)
    from_box, from_brush = example.regions or ()
    assert from_box.iou(disc()) > 0.9
    assert (from_brush.iou(disc()), from_box.class_name) == (1.0, "Disc")


def test_a_box_stays_a_box_without_a_model_and_without_a_picture(images: ImageLoader, tmp_path: Path) -> None:
    boxes = BoxMasks(tmp_path / "kept", lambda: GraphCut())
    for options in ({"boxes": None}, {"boxes": boxes, "image": url("missing")}):
        (example,), _ = make(images, [drawn(BOX, "boxes")], **options)
        (region,) = example.regions or ()
        assert region.iou(BOX) == 1.0
    with pytest.raises(ImageUnavailableError):
        example.load_image()


def test_a_box_on_a_picture_of_another_size_is_left_out(images: ImageLoader, tmp_path: Path) -> None:
    boxes = BoxMasks(tmp_path / "kept", lambda: GraphCut())
    examples, skipped = make(images, [drawn(BOX, "boxes")], boxes=boxes, image=url("small"))
    assert (examples, skipped) == ([], {SIZES_DIFFER: 1})


def test_loading_a_picture_of_another_size_than_annotators_saw_is_an_error(images: ImageLoader) -> None:
    (example,), _ = make(images, [drawn(disc())], image=url("small"))
    with pytest.raises(ImageError, match=r"task 7 has height and width \(60, 80\).*\(120, 160\)"):
        example.load_image()
    (silent,), _ = make(images, [[]], image=url("small"))
    assert silent.load_image().shape == (60, 80, 3)
