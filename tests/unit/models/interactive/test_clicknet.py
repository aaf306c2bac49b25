"""What ClickNet's looks promise beyond the contract of interactive models."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from models.arrays import Image, Mask
from models.errors import WeightsError, WeightsNotFoundError
from models.interactive import clicknet
from models.interactive.base import Prediction
from models.interactive.clicknet import ClickNetModel
from models.interactive.outline_shift import OutlineShift
from models.metrics import iou
from models.prompts import Box, Click, Prompts


@pytest.fixture(scope="module")
def model() -> ClickNetModel:
    loaded = ClickNetModel()
    loaded.load()
    return loaded


def disc(height: int, width: int, row: float, column: float, radius: float) -> Mask:
    rows, columns = np.ogrid[:height, :width]
    return np.asarray(np.hypot(rows - row, columns - column) < radius)


def picture_of(*objects: Mask) -> Image:
    noise = np.random.default_rng(3).normal(0, 5, (*objects[0].shape, 1)).astype(np.float32)
    picture = np.full((*objects[0].shape, 3), (70, 110, 150), dtype=np.float32)
    for mask in objects:
        picture[mask] = (190, 70, 60)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("diameter", [6, 9, 14])
@pytest.mark.parametrize("side", [256, 1024])
def test_objects_of_a_few_pixels_are_found_where_they_are(
    model: ClickNetModel, side: int, diameter: int
) -> None:
    small = disc(side, side, 0.4 * side, 0.7 * side, diameter / 2)
    answer = model.segment(
        model.encode(picture_of(small)), Prompts((Click(round(0.4 * side), round(0.7 * side)),))
    )

    assert iou(answer.mask, small) > 0.5


def test_a_small_object_in_a_huge_picture_is_found(model: ClickNetModel) -> None:
    small = disc(4096, 4096, 3000, 500, 30)
    answer = model.segment(model.encode(picture_of(small)), Prompts((Click(3000, 500),)))

    assert iou(answer.mask, small) > 0.8


def test_a_large_object_in_a_huge_picture_is_found(model: ClickNetModel) -> None:
    large = disc(4096, 4096, 2000, 2200, 900)
    answer = model.segment(model.encode(picture_of(large)), Prompts((Click(2000, 2200),)))

    assert iou(answer.mask, large) > 0.9


def test_parts_far_from_the_clicks_stay_as_they_were(model: ClickNetModel) -> None:
    here, there = disc(400, 600, 120, 120, 40), disc(400, 600, 300, 500, 40)
    drawn = np.roll(here, 12, axis=1) | np.roll(there, 12, axis=1)
    refined = model.segment(
        model.encode(picture_of(here, there)), Prompts((Click(120, 84),)), Prediction(drawn, 1.0)
    ).mask

    assert iou(refined[:, :300], here[:, :300]) > iou(drawn[:, :300], here[:, :300])
    assert np.array_equal(refined[:, 300:], drawn[:, 300:])


def test_a_click_beside_a_blurred_outline_moves_all_of_it(model: ClickNetModel) -> None:
    sharp = picture_of(disc(200, 240, 100, 120, 45))
    blurred = np.asarray(cv2.GaussianBlur(sharp, (0, 0), 9), dtype=np.uint8)
    embedding, middle = model.encode(blurred), Click(100, 120)
    first = model.segment(embedding, Prompts((middle,)))
    edge = int(np.flatnonzero(first.mask[100]).max())
    beside = Prompts((middle, Click(100, edge + 4)))
    moved = model.segment(embedding, beside, first).mask
    not_moved = model.segment(embedding, beside, replace(first, logits=None)).mask

    assert moved[:, :100].sum() > not_moved[:, :100].sum()
    assert (moved & not_moved).sum() == not_moved.sum()


def test_an_answer_remembers_the_last_look_and_not_the_one_that_would_have_followed(
    model: ClickNetModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clicknet, "_MOST_LOOKS", 1)
    answer = model.segment(model.encode(picture_of(disc(200, 300, 60, 80, 12))), Prompts((Click(60, 80),)))

    assert answer.logits is not None
    assert OutlineShift.unpack(answer.logits).view.area == 200 * 300


def test_both_clicked_parts_are_refined(model: ClickNetModel) -> None:
    here, there = disc(400, 600, 120, 120, 40), disc(400, 600, 300, 500, 40)
    drawn = np.roll(here | there, 12, axis=1)
    prompts = Prompts((Click(120, 84), Click(300, 464)))
    refined = model.segment(model.encode(picture_of(here, there)), prompts, Prediction(drawn, 1.0)).mask

    assert iou(refined, here | there) > iou(drawn, here | there)


def test_only_the_object_that_was_clicked_is_found(model: ClickNetModel) -> None:
    here, there = disc(300, 300, 80, 80, 30), disc(300, 300, 200, 220, 30)
    mask = model.segment(model.encode(picture_of(here, there)), Prompts((Click(80, 80),))).mask

    assert not (mask & there).any()


def test_a_box_in_which_nothing_is_found_is_the_answer_itself(model: ClickNetModel) -> None:
    prompts = Prompts(box=Box(0, 0, 1, 1))
    mask = model.segment(model.encode(np.full((90, 70, 3), 128, dtype=np.uint8)), prompts).mask

    assert np.argwhere(mask).tolist() == [[0, 0]]


def test_sixteen_bit_arithmetic_hardly_changes_the_answer(model: ClickNetModel) -> None:
    here = disc(200, 200, 80, 80, 30)
    halved = ClickNetModel()
    halved.load()
    halved._autocast = True
    prompts = Prompts((Click(80, 80),))
    answers = [m.segment(m.encode(picture_of(here)), prompts).mask for m in (model, halved)]

    assert iou(*answers) > 0.95


def test_the_version_names_the_weights(model: ClickNetModel, tmp_path: Path) -> None:
    network = model._network
    assert network is not None
    other = tmp_path / "other.safetensors"
    save_file({name: (value + 0.01).contiguous() for name, value in network.state_dict().items()}, other)
    changed = ClickNetModel(weights=other)
    changed.load()

    assert changed.version.startswith("clicknet-")
    assert changed.version != model.version


def test_missing_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsNotFoundError, match=r"gone\.safetensors"):
        ClickNetModel(weights=tmp_path / "gone.safetensors").load()


def test_weights_of_something_else_are_refused(tmp_path: Path) -> None:
    save_file({"layer": torch.zeros(3)}, tmp_path / "other.safetensors")

    with pytest.raises(WeightsError, match="ClickNet"):
        ClickNetModel(weights=tmp_path / "other.safetensors").load()
