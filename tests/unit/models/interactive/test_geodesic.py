import numpy as np
import pytest

from models.arrays import Image, Mask
from models.interactive.geodesic import guess
from models.metrics import iou

ROWS, COLUMNS = np.mgrid[:100, :120]


def painted(mask: Mask) -> Image:
    picture = np.where(mask[:, :, None], (200, 180, 40), (40, 90, 60)).astype(float)
    picture += np.random.default_rng(0).normal(0, 4, picture.shape)
    return np.clip(picture, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("radius", [8, 15, 35])
def test_the_front_stops_at_the_edge_of_an_object_of_any_size(radius: int) -> None:
    disc = np.hypot(ROWS - 50, COLUMNS - 60) < radius

    assert iou(guess(painted(disc), [(50, 60)], []).nearness <= 1, disc) > 0.75


def test_the_object_is_found_from_a_click_near_its_edge() -> None:
    disc = np.hypot(ROWS - 50, COLUMNS - 60) < 30

    assert iou(guess(painted(disc), [(50, 36)], []).nearness <= 1, disc) > 0.8


def test_a_sharp_object_is_a_stronger_guess_than_noise() -> None:
    disc = np.hypot(ROWS - 50, COLUMNS - 60) < 30
    nothing = np.zeros_like(disc)

    assert (
        guess(painted(disc), [(50, 60)], []).strength > 2 * guess(painted(nothing), [(50, 60)], []).strength
    )


def test_a_negative_click_keeps_the_front_away() -> None:
    bar = (abs(ROWS - 50) < 10) & (abs(COLUMNS - 60) < 50)
    alone = guess(painted(bar), [(50, 25)], [])
    opposed = guess(painted(bar), [(50, 25)], [(50, 95)])

    assert alone.nearness[50, 95] <= 1
    assert opposed.nearness[50, 95] > 1
    assert opposed.nearness[50, 30] <= 1
    assert opposed.negative_nearness[50, 95] == 0
    assert opposed.negative_nearness[50, 25] > 1


def test_opposite_clicks_on_one_pixel_count_as_positive() -> None:
    disc = np.hypot(ROWS - 50, COLUMNS - 60) < 30
    both = guess(painted(disc), [(50, 60)], [(50, 60)])

    assert np.array_equal(both.nearness, guess(painted(disc), [(50, 60)], []).nearness)


def test_the_same_outline_is_stronger_where_it_is_a_larger_part_of_the_picture() -> None:
    disc = np.hypot(ROWS - 50, COLUMNS - 60) < 30

    small, large = (guess(painted(disc), [(50, 60)], [], share).strength for share in (0.1, 1.0))
    assert small < large


def test_all_positive_clicks_are_inside() -> None:
    two = (np.hypot(ROWS - 50, COLUMNS - 25) < 15) | (np.hypot(ROWS - 50, COLUMNS - 95) < 15)
    found = guess(painted(two), [(50, 25), (50, 95)], []).nearness <= 1

    assert found[50, 25]
    assert found[50, 95]


@pytest.mark.parametrize("size_hw", [(1, 1), (1, 20), (2, 2), (40, 1)])
def test_tiny_grids_work(size_hw: tuple[int, int]) -> None:
    found = guess(np.full((*size_hw, 3), 50, dtype=np.uint8), [(0, 0)], [])

    assert found.nearness.shape == size_hw
    assert found.nearness[0, 0] == 0
    assert np.isfinite(found.strength)
