import time

import numpy as np
import pytest
from skimage import data

from models.arrays import Image, Mask
from models.interactive.graphcut import GraphCut
from models.masks import components
from models.metrics import iou
from models.prompts import Box, Click, Prompts


def discs(height: int, width: int, *places: tuple[int, int, int]) -> tuple[Image, list[Mask]]:
    """Red discs (row, column, radius) on blue, with noise, and their masks."""
    rows, columns = np.mgrid[:height, :width]
    masks = [np.hypot(rows - row, columns - column) < radius for row, column, radius in places]
    picture = np.where(np.any(masks, axis=0)[:, :, None], (190, 70, 60), (50, 90, 150)).astype(float)
    picture += np.random.default_rng(0).normal(0, 6, picture.shape)
    return np.clip(picture, 0, 255).astype(np.uint8), masks


@pytest.mark.parametrize("place", [(300, 500, 8), (300, 500, 40), (300, 500, 200)])
def test_objects_of_all_sizes_are_found_in_a_large_picture(place: tuple[int, int, int]) -> None:
    picture, (disc,) = discs(700, 1000, place)
    model = GraphCut()
    prediction = model.segment(model.encode(picture), Prompts((Click(place[0] + 2, place[1] - 3),)))

    assert iou(prediction.mask, disc) > 0.85


def test_only_the_clicked_one_of_equal_objects_is_found() -> None:
    picture, (first, second) = discs(120, 200, (60, 50, 25), (60, 140, 25))
    model = GraphCut()
    embedding = model.encode(picture)

    assert iou(model.segment(embedding, Prompts((Click(60, 50),))).mask, first) > 0.9
    assert iou(model.segment(embedding, Prompts((Click(60, 140),))).mask, second) > 0.9


def test_two_clicks_join_two_objects() -> None:
    picture, masks = discs(120, 200, (60, 50, 25), (60, 140, 25))
    model = GraphCut()
    mask = model.segment(model.encode(picture), Prompts((Click(60, 50), Click(60, 140)))).mask

    assert iou(mask, masks[0] | masks[1]) > 0.85


def test_a_negative_click_takes_a_touching_object_away() -> None:
    picture, (first, second) = discs(120, 200, (60, 70, 25), (60, 118, 25))
    model = GraphCut()
    prompts = Prompts((Click(60, 65), Click(60, 123, positive=False)))
    mask = model.segment(model.encode(picture), prompts).mask

    assert np.count_nonzero(mask & first) > 0.85 * np.count_nonzero(first)
    assert np.count_nonzero(mask & second) < 0.25 * np.count_nonzero(second)


def test_a_coin_is_found_by_a_click_and_by_a_box() -> None:
    coins = data.coins()[:, :, None].repeat(3, axis=2)
    model = GraphCut()
    embedding = model.encode(coins)
    clicked = model.segment(embedding, Prompts((Click(193, 213),))).mask
    boxed = model.segment(embedding, Prompts(box=Box(168, 189, 219, 238))).mask

    assert 1600 < np.count_nonzero(clicked) < 1950
    assert iou(clicked, boxed) > 0.9


def test_clicks_that_only_the_full_resolution_can_tell_apart_are_obeyed() -> None:
    picture, _ = discs(900, 1200, (450, 600, 300))
    model = GraphCut()
    clicks = (
        Click(450, 600),
        Click(450, 601, positive=False),
        Click(100, 100),
        Click(100, 101, positive=False),
    )
    mask = model.segment(model.encode(picture), Prompts(clicks)).mask

    assert [bool(mask[click.pixel]) for click in clicks] == [True, False, True, False]


def test_the_answer_is_what_was_clicked_and_nothing_else() -> None:
    model = GraphCut()
    photograph = data.astronaut()
    mask = model.segment(model.encode(photograph), Prompts((Click(120, 220),))).mask
    labels, areas = components(mask)

    assert labels[120, 220] > 0
    assert areas[labels[120, 220]] == np.count_nonzero(mask)


def test_agreement_of_edges_and_colours_gives_a_higher_score_than_noise() -> None:
    model = GraphCut()
    picture, _ = discs(120, 200, (60, 100, 30))
    noise = np.random.default_rng(0).integers(0, 256, (120, 200, 3), dtype=np.uint8)
    prompts = Prompts((Click(60, 100),))

    clear = model.segment(model.encode(picture), prompts).score
    assert clear > 0.5
    assert clear > model.segment(model.encode(noise), prompts).score


def test_the_embedding_holds_the_picture_and_a_third_more() -> None:
    embedding = GraphCut().encode(np.zeros((1024, 1024, 3), dtype=np.uint8))

    assert embedding.nbytes == sum(level.nbytes for level in embedding.pyramid)
    assert 3 * 1024**2 < embedding.nbytes < 1.34 * 3 * 1024**2


def test_time_hardly_grows_with_the_picture() -> None:
    model = GraphCut()
    picture, _ = discs(120, 200, (60, 50, 25))
    prompts = Prompts((Click(1500, 1650),))
    embedding = model.encode(np.tile(picture, (25, 15, 1)))
    start = time.process_time()
    model.segment(embedding, prompts)

    assert time.process_time() - start < 2
