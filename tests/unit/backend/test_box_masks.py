from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from backend.labelstudio.images import TaskImage
from backend.services.box_masks import BoxMasks
from models.arrays import Image, Mask
from models.interactive.base import Embedding, InteractiveModel, Prediction
from models.interactive.graphcut import GraphCut
from models.prompts import Prompts
from models.regions import Region
from tests.fakes.pictures import DISC, disc_picture

BOX = Region(np.ones((70, 70), dtype=bool), 25, 35, "disc", 1.0)


class Recorder(InteractiveModel[Embedding]):
    """Answers with one mask, and remembers what it was asked."""

    name: ClassVar[str] = "recorder"

    def __init__(self, mask: Mask, version: str = "recorder-1") -> None:
        self.mask = mask
        self.version = version
        self.encoded = 0
        self.asked: list[Prompts] = []

    def encode(self, image: Image) -> Embedding:
        self.encoded += 1
        return Embedding((image.shape[0], image.shape[1]))

    def segment(
        self, embedding: Embedding, prompts: Prompts, previous: Prediction | None = None
    ) -> Prediction:
        self.asked.append(prompts)
        return Prediction(self.mask, 0.9)


def image(digest: str = "ab12") -> TaskImage:
    return TaskImage(disc_picture(), digest)


def moved(region: Region, top: int) -> Region:
    return Region(region.mask, top, region.left, region.class_name)


def test_the_object_in_a_box_is_found(tmp_path: Path) -> None:
    (found,) = BoxMasks(tmp_path, lambda: GraphCut()).of_boxes(image(), [BOX])
    assert found.class_name == "disc"
    assert found.iou(Region.from_mask(DISC) or BOX) > 0.9


def test_a_mask_ends_where_the_box_ends(tmp_path: Path) -> None:
    turned = Region(np.tri(70, dtype=bool), 25, 35, "disc")
    everything = Recorder(np.ones((120, 160), dtype=bool))
    (found,) = BoxMasks(tmp_path, lambda: everything).of_boxes(image(), [turned])
    assert np.array_equal(found.full_mask((120, 160)), turned.full_mask((120, 160)))


@pytest.mark.parametrize(("rows", "believed"), [(0, False), (13, False), (14, True), (70, True)])
def test_a_mask_that_fills_less_than_a_fifth_of_the_box_is_not_believed(
    tmp_path: Path, rows: int, believed: bool
) -> None:
    mask = np.zeros((120, 160), dtype=bool)
    mask[25 : 25 + rows, 35:105] = True
    boxes = BoxMasks(tmp_path, lambda: Recorder(mask))
    for _ in range(2):  # found, then kept
        (found,) = boxes.of_boxes(image(), [BOX])
        assert found.area == (70 * rows if believed else BOX.area)


def test_a_picture_is_encoded_once_and_a_box_asked_about_once(tmp_path: Path) -> None:
    model = Recorder(DISC)
    boxes = [BOX, moved(BOX, 30), moved(BOX, 28)]
    first = BoxMasks(tmp_path, lambda: model).of_boxes(image(), boxes)
    again = BoxMasks(tmp_path, lambda: model).of_boxes(image(), boxes)
    assert (model.encoded, len(model.asked)) == (1, 3)
    assert model.asked[1].box is not None and model.asked[1].box.top == 30
    for one, other in zip(first, again, strict=True):
        assert one.box == other.box
        assert np.array_equal(one.mask, other.mask)


def test_another_picture_or_model_has_masks_of_its_own(tmp_path: Path) -> None:
    model, newer = Recorder(DISC), Recorder(DISC, "recorder-2")
    BoxMasks(tmp_path, lambda: model).of_boxes(image("one"), [BOX])
    BoxMasks(tmp_path, lambda: model).of_boxes(image("two"), [BOX])
    BoxMasks(tmp_path, lambda: newer).of_boxes(image("one"), [BOX])
    assert (len(model.asked), len(newer.asked)) == (2, 1)


@pytest.mark.parametrize("content", [b"", b"junk", b"x\x9c\x03\x00\x00\x00\x00\x01"])
def test_a_damaged_file_is_made_again(tmp_path: Path, content: bytes) -> None:
    model = Recorder(DISC)
    expected = BoxMasks(tmp_path, lambda: model).of_boxes(image(), [BOX])
    (file,) = (path for path in tmp_path.rglob("*") if path.is_file())
    file.write_bytes(content)
    found = BoxMasks(tmp_path, lambda: model).of_boxes(image(), [BOX])
    assert len(model.asked) == 2
    assert np.array_equal(found[0].mask, expected[0].mask)


def test_no_model_is_needed_where_nobody_drew_a_box(tmp_path: Path) -> None:
    def refuse() -> Recorder:
        raise AssertionError("the model was loaded")

    assert BoxMasks(tmp_path, refuse).of_boxes(image(), []) == []
