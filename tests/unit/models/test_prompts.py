from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import MaskloopError, PromptError
from models.prompts import Box, Click, Prompts

SIZE_HW = (20, 30)


@pytest.mark.parametrize(
    ("row", "column", "pixel"),
    [(0, 0, (0, 0)), (2.4, 7.6, (2, 8)), (2.5, 3.5, (3, 4)), (-0.4, -0.5, (0, 0)), (-0.6, 0, (-1, 0))],
)
def test_a_click_hits_the_nearest_pixel_and_halves_go_up(
    row: float, column: float, pixel: tuple[int, int]
) -> None:
    assert Click(row, column).pixel == pixel


def test_prompts_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        Click(1, 2).row = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    ("box", "shape"),
    [
        (Box(2, 3, 5, 7), (3, 4)),
        (Box(2.2, 3.4, 2.4, 3.4), (1, 1)),
        (Box(-5, -5, 4, 4), (4, 4)),
        (Box(15, 25, 99, 99), (5, 5)),
        (Box(19.6, 29.6, 20, 30), (1, 1)),
    ],
)
def test_the_slices_of_a_box_cut_at_least_one_pixel(box: Box, shape: tuple[int, int]) -> None:
    assert np.zeros(SIZE_HW)[box.slices].shape == shape


@given(st.floats(-9, 29), st.floats(-9, 39), st.floats(1e-3, 40), st.floats(1e-3, 40))
def test_every_box_that_passes_the_check_cuts_at_least_one_pixel(
    top: float, left: float, height: float, width: float
) -> None:
    box = Box(top, left, top + height, left + width)
    try:
        Prompts(box=box).check(SIZE_HW)
    except PromptError:
        assert top >= 19.5 or left >= 29.5 or top + height <= 0 or left + width <= 0
    else:
        assert np.zeros(SIZE_HW)[box.slices].size >= 1


@pytest.mark.parametrize(
    "prompts", [Prompts(), Prompts((Click(1, 1, positive=False), Click(2, 2, positive=False)))]
)
def test_prompts_that_say_only_what_is_not_meant_are_refused(prompts: Prompts) -> None:
    assert not prompts.has_positive
    with pytest.raises(PromptError, match="At least one positive click or a box"):
        prompts.check(SIZE_HW)


@pytest.mark.parametrize("positive", [True, False])
@pytest.mark.parametrize("place", [(-1, 5), (5, -0.6), (19.5, 5), (5, 30)])
def test_a_click_outside_the_picture_is_refused(place: tuple[float, float], positive: bool) -> None:
    prompts = Prompts((Click(1, 1), Click(*place, positive=positive)))

    with pytest.raises(PromptError, match="outside the picture of 20 rows and 30 columns"):
        prompts.check(SIZE_HW)


@pytest.mark.parametrize(
    "box", [Box(20, 0, 25, 5), Box(0, 30, 5, 35), Box(-5, 0, 0, 5), Box(0, -5, 5, 0), Box(5, 5, 5, 9)]
)
def test_a_box_beside_the_picture_or_without_area_is_refused(box: Box) -> None:
    with pytest.raises(PromptError, match="does not overlap the picture"):
        Prompts(box=box).check(SIZE_HW)


def test_positions_that_are_not_numbers_are_refused() -> None:
    for value in (float("nan"), float("inf")):
        with pytest.raises(PromptError):
            Prompts((Click(value, 1),)).check(SIZE_HW)
        with pytest.raises(PromptError):
            Prompts(box=Box(0, 0, 5, value)).check(SIZE_HW)


def test_clicks_in_the_corners_and_a_box_that_sticks_out_are_fine() -> None:
    corners = (Click(-0.5, -0.5), Click(19.4, 29.4, positive=False))

    Prompts(corners, Box(-10, -10, 100, 100)).check(SIZE_HW)


def test_prompt_errors_are_value_errors_of_this_project() -> None:
    assert issubclass(PromptError, MaskloopError)
    assert issubclass(PromptError, ValueError)
