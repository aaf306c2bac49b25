import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.interactive.obedience import obey
from models.prompts import Box, Click, Prompts

positions = st.floats(-5, 20, allow_nan=False)
pixels = st.tuples(st.integers(0, 11), st.integers(0, 8))


def test_without_prompts_that_say_otherwise_the_mask_stays_as_it_is() -> None:
    mask = np.eye(4, dtype=bool)
    assert np.array_equal(obey(mask, Prompts((Click(2, 2), Click(0, 3, positive=False)))), mask)


def test_the_given_mask_is_left_alone() -> None:
    mask = np.ones((4, 4), dtype=bool)
    mask.setflags(write=False)
    assert not obey(mask, Prompts((Click(1, 1, positive=False),)))[1, 1]


def test_the_newest_click_on_a_pixel_counts() -> None:
    clicks = (Click(1, 1), Click(1.2, 0.9, positive=False))
    assert not obey(np.ones((3, 3), dtype=bool), Prompts(clicks))[1, 1]


def test_a_positive_click_beside_the_box_is_inside_all_the_same() -> None:
    mask = obey(np.ones((6, 6), dtype=bool), Prompts((Click(5, 5),), Box(1, 1, 3, 4)))
    assert mask[5, 5]
    assert mask.sum() == 2 * 3 + 1


@given(
    found=st.binary(min_size=108, max_size=108),
    places=st.lists(st.tuples(pixels, st.booleans()), max_size=5, unique_by=lambda place: place[0]),
    corners=st.tuples(positions, positions, positions, positions),
)
def test_clicks_are_obeyed_and_nothing_else_lies_beyond_the_box(
    found: bytes, places: list[tuple[tuple[int, int], bool]], corners: tuple[float, float, float, float]
) -> None:
    mask = np.frombuffer(found, dtype=np.uint8).reshape(12, 9) > 127
    clicks = tuple(Click(row, column, positive) for (row, column), positive in places)
    box = Box(min(corners[:2]), min(corners[2:]), max(corners[:2]) + 1, max(corners[2:]) + 1)
    obedient = obey(mask, Prompts(clicks, box))
    assert all(obedient[click.pixel] == click.positive for click in clicks)
    expected = np.zeros_like(mask)
    expected[box.slices] = mask[box.slices]
    for row, column in np.argwhere(obedient != expected):
        assert (row, column) in {click.pixel for click in clicks}
