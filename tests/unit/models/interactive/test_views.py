import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.interactive.views import View, pyramid_of

PICTURE = np.random.default_rng(0).integers(0, 256, (90, 130, 3), dtype=np.uint8)


@st.composite
def views(draw: st.DrawFn) -> View:
    top, left = draw(st.integers(0, 80)), draw(st.integers(0, 120))
    bottom, right = draw(st.integers(top + 1, 90)), draw(st.integers(left + 1, 130))
    return View.of(top, left, bottom, right, draw(st.integers(1, 64)))


def test_a_small_rectangle_is_seen_pixel_by_pixel() -> None:
    view = View.of(10, 20, 40, 70, max_side=64)

    assert view.grid_hw == (30, 50)
    assert np.array_equal(view.look(pyramid_of(PICTURE, 32)), PICTURE[10:40, 20:70])
    assert view.grid_pixel(10, 20) == (0, 0)
    assert view.grid_pixel(39, 69) == (29, 49)


def test_pixels_beside_the_view_are_not_on_its_grid() -> None:
    view = View.of(10, 20, 40, 70, max_side=64)

    assert [view.grid_pixel(*pixel) for pixel in [(9, 30), (40, 30), (20, 19), (20, 70)]] == [None] * 4


def test_a_large_rectangle_is_reduced_with_its_proportions() -> None:
    assert View.of(0, 0, 90, 130, max_side=26).grid_hw == (18, 26)
    assert View.of(0, 0, 1, 130, max_side=26).grid_hw == (1, 26)


@given(views(), st.data())
def test_every_pixel_of_a_view_has_a_place_on_its_grid(view: View, data: st.DataObject) -> None:
    row = data.draw(st.integers(view.top, view.bottom - 1))
    column = data.draw(st.integers(view.left, view.right - 1))
    pixel = view.grid_pixel(row, column)

    assert pixel is not None
    assert 0 <= pixel[0] < view.grid_hw[0]
    assert 0 <= pixel[1] < view.grid_hw[1]
    assert view.grid_box(range(row, row + 1), range(column, column + 1))[pixel]
    assert view.grid_box(range(row, row + 1), range(column, column + 1)).sum() == 1


@given(views())
def test_what_is_seen_has_the_mean_of_the_rectangle(view: View) -> None:
    flat = np.full_like(PICTURE, 77)
    seen = view.look(pyramid_of(flat, 16))

    assert seen.shape == (*view.grid_hw, 3)
    assert (seen == 77).all()


@given(views())
def test_a_full_grid_is_pasted_exactly_into_its_rectangle(view: View) -> None:
    pasted = view.paste(np.ones(view.grid_hw, dtype=np.float32), np.zeros((90, 130), dtype=bool))

    assert pasted[view.top : view.bottom, view.left : view.right].all()
    assert pasted.sum() == (view.bottom - view.top) * (view.right - view.left)


def test_values_keep_their_place_when_they_move_between_views() -> None:
    rows, columns = np.mgrid[0:30, 0:50].astype(np.float32)
    whole = View.of(0, 0, 60, 100, max_side=50)
    part = View.of(20, 30, 40, 60, max_side=50)
    # The value at a grid pixel is the position of its centre in the picture.
    moved = whole.move(2 * rows + 0.5, part, beyond=-1)
    across = whole.move(2 * columns + 0.5, part, beyond=-1)

    assert moved[:, 7] == pytest.approx(np.arange(20, 40), abs=0.05)
    assert across[5] == pytest.approx(np.arange(30, 60), abs=0.05)


def test_places_outside_the_first_view_get_the_given_value() -> None:
    left = View.of(0, 0, 10, 10, max_side=50)
    right = View.of(0, 20, 10, 30, max_side=50)

    assert (left.move(np.zeros((10, 10), dtype=np.float32), right, beyond=4) == 4).all()


def test_a_pyramid_halves_until_it_is_small_and_owns_its_pixels() -> None:
    levels = pyramid_of(PICTURE, 32)

    assert [level.shape for level in levels] == [(90, 130, 3), (45, 65, 3), (23, 33, 3)]
    assert np.array_equal(levels[0], PICTURE)
    assert not np.shares_memory(levels[0], PICTURE)


def test_reduced_levels_show_the_same_place() -> None:
    picture = np.zeros((512, 512, 3), dtype=np.uint8)
    picture[128:256, 256:384] = 200
    seen = View.of(0, 0, 512, 512, max_side=64).look(pyramid_of(picture, 32))
    expected = np.zeros((64, 64, 3), dtype=np.uint8)
    expected[16:32, 32:48] = 200

    assert np.array_equal(seen, expected)
