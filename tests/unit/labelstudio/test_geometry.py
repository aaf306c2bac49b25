from math import pi

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import RequestError
from backend.labelstudio.geometry import (
    Ellipse,
    Rectangle,
    bounding_rectangle,
    fill_ellipse,
    fill_outlines,
    fitted_ellipse,
    inner_point_xy,
    inside_outlines,
    smallest_rectangle,
    turned_by_quarters,
)
from models.arrays import Mask
from models.regions import Region
from tests.unit.labelstudio.shapes import block, disc, hard_masks, iou, line, region_of, size_of

SQUARE = np.array([[1.0, 1], [4, 1], [4, 3], [1, 3]])


def drawn(found: Region | None, size_hw: tuple[int, int]) -> Mask:
    assert found is not None
    return found.full_mask(size_hw)


def test_a_square_on_pixel_edges_fills_exactly_its_pixels() -> None:
    np.testing.assert_array_equal(inside_outlines([SQUARE], (5, 6)), block((5, 6), slice(1, 3), slice(1, 4)))


def test_a_pixel_belongs_to_the_shape_that_holds_its_centre() -> None:
    almost, just = SQUARE + 0.49, SQUARE + 0.51
    np.testing.assert_array_equal(inside_outlines([almost], (6, 6)), inside_outlines([SQUARE], (6, 6)))
    np.testing.assert_array_equal(inside_outlines([just], (6, 6)), inside_outlines([SQUARE + 1], (6, 6)))


def test_lines_through_pixel_centres_do_not_depend_on_rounding() -> None:
    for rise in range(-6, 7):
        for run in range(1, 7):
            corners = np.array([[30.5, 30.5], [30.5 + 5 * run, 30.5 + 5 * rise], [30.5 - run, 80.5]])
            masks = [inside_outlines([corners + shift], (90, 90)) for shift in (-1e-6, 0, 1e-6)]
            assert (masks[0] == masks[1]).all()
            assert (masks[1] == masks[2]).all()


@given(st.floats(0, 20), st.floats(0, 20))
def test_shapes_sharing_edges_neither_overlap_nor_leave_gaps(x: float, y: float) -> None:
    corners = [[0.0, 0.0], [20.0, 0.0], [20.0, 20.0], [0.0, 20.0]]
    covered = np.zeros((20, 20), dtype=int)
    for first, second in zip(corners, [*corners[1:], corners[0]], strict=True):
        covered += inside_outlines([np.array([first, second, [x, y]])], (20, 20))
    np.testing.assert_array_equal(covered, 1)


@given(st.lists(st.tuples(st.integers(-8, 48), st.integers(-8, 48)), min_size=3, max_size=12))
def test_filling_agrees_with_a_slow_winding_number(corners_quarters: list[tuple[int, int]]) -> None:
    corners = np.array(corners_quarters) / 4 + (0.1, 0.1414213)  # edges pass beside the sampling points
    rows, columns = np.mgrid[:9, :10] + np.reshape([0.5 + 1 / 1657, 0.5 + 1 / 1024], (2, 1, 1))
    angle = np.arctan2(corners[:, 1] - rows[..., None], corners[:, 0] - columns[..., None])
    turns = (np.roll(angle, -1, axis=2) - angle + pi) % (2 * pi) - pi
    expected = np.rint(turns.sum(axis=2) / (2 * pi)) != 0
    np.testing.assert_array_equal(inside_outlines([corners], (9, 10)), expected)


def test_a_self_crossing_star_is_filled_in_the_middle_as_in_the_editor() -> None:
    angles = np.arange(5) * 4 * pi / 5
    star = np.stack([20 + 18 * np.sin(angles), 20 - 18 * np.cos(angles)], axis=1)
    assert inside_outlines([star], (40, 40))[20, 20]


def test_a_hole_reached_over_a_bridge_stays_empty() -> None:
    keyhole = np.array(
        [[0, 0], [9, 0], [9, 9], [0, 9], [0, 0], [3.3, 3.7], [3.3, 6.1], [6.2, 6.1], [6.2, 3.7], [3.3, 3.7]]
    )
    expected = block((9, 9), slice(0, 9), slice(0, 9)) & ~block((9, 9), slice(4, 6), slice(3, 6))
    np.testing.assert_array_equal(inside_outlines([keyhole], (9, 9)), expected)


def test_what_lies_beside_the_picture_is_cut_off() -> None:
    found = fill_outlines([SQUARE * 100 - 150], (20, 30))
    np.testing.assert_array_equal(drawn(found, (20, 30)), np.ones((20, 30), dtype=bool))
    assert fill_outlines([SQUARE - 50], (20, 30)) is None
    assert fill_outlines([SQUARE + 50], (20, 30)) is None


def test_a_shape_between_pixel_centres_holds_no_pixel() -> None:
    assert fill_outlines([SQUARE * 0.1 + 2.6], (20, 30)) is None


def test_an_outline_that_would_take_minutes_is_refused() -> None:
    zigzag = np.stack([np.arange(20_000.0) % 7, np.arange(20_000) % 2 * 4000.0], axis=1)
    with pytest.raises(RequestError, match="Simplify"):
        inside_outlines([zigzag], (4000, 10))


def test_long_outlines_are_filled_in_several_batches() -> None:
    once = np.array([[0.0, 0], [5, 0], [5, 3000], [0, 3000]])
    many = np.tile(once, (300, 1))
    np.testing.assert_array_equal(inside_outlines([many], (3000, 6)), inside_outlines([once], (3000, 6)))


@pytest.mark.parametrize("name", hard_masks())
def test_the_bounding_rectangle_covers_exactly_the_rows_and_columns_of_the_object(name: str) -> None:
    mask = hard_masks()[name]
    rectangle = bounding_rectangle(region_of(mask))
    expected = np.outer(mask.any(axis=1), mask.any(axis=0))
    first, last = (np.flatnonzero(expected.any(axis=1))[index] for index in (0, -1))
    assert (rectangle.y, rectangle.y + rectangle.height) == (first, last + 1)
    first, last = (np.flatnonzero(expected.any(axis=0))[index] for index in (0, -1))
    assert (rectangle.x, rectangle.x + rectangle.width) == (first, last + 1)


@pytest.mark.parametrize("name", hard_masks())
def test_the_turned_rectangle_fits_at_least_as_well_as_the_bounding_one(name: str) -> None:
    mask = hard_masks()[name]
    size_hw = size_of(mask)
    found, bounding = smallest_rectangle(region_of(mask)), bounding_rectangle(region_of(mask))
    fits = [iou(inside_outlines([each.corners_xy], size_hw), mask) for each in (found, bounding)]
    assert fits[0] >= fits[1] - 0.02
    assert -45 < found.rotation <= 45


def test_a_rectangle_of_pixels_is_its_own_best_fit() -> None:
    mask = block((20, 30), slice(3, 9), slice(5, 25))
    assert smallest_rectangle(region_of(mask)) == Rectangle(5, 3, 20, 6, 0)


@pytest.mark.parametrize("rotation", [0, 10, 30, 45, 60, 89, 90, 135, 200])
def test_a_turned_rectangle_is_found_again(rotation: float) -> None:
    true = Rectangle(100, 90, 70, 30, rotation)
    mask = inside_outlines([true.corners_xy], (250, 250))
    found = smallest_rectangle(region_of(mask))
    assert iou(inside_outlines([found.corners_xy], (250, 250)), mask) > 0.95
    assert sorted((found.width, found.height)) == pytest.approx([30, 70], abs=1)


def test_a_rectangle_turns_clockwise_about_its_top_left_corner() -> None:
    np.testing.assert_allclose(
        Rectangle(10, 20, 4, 2, 90).corners_xy, [[10, 20], [10, 24], [8, 24], [8, 20]], atol=1e-12
    )


def test_all_four_ways_to_write_a_rectangle_draw_the_same() -> None:
    original = Rectangle(30, 12, 20, 8, 25)
    ways = list(turned_by_quarters(original))
    assert ways[0] == original
    for way in ways:
        np.testing.assert_allclose(
            sorted(way.corners_xy.round(6).tolist()), sorted(original.corners_xy.round(6).tolist())
        )


@pytest.mark.parametrize("rotation", [0, 20, 44, 60, 90, 120, 179])
@pytest.mark.parametrize("radii", [(40, 15), (12, 30), (20, 20)])
def test_an_ellipse_is_found_again(rotation: float, radii: tuple[float, float]) -> None:
    true = Ellipse(61.3, 55.8, *radii, rotation)
    mask = drawn(fill_ellipse(true, (120, 130)), (120, 130))
    found = fitted_ellipse(region_of(mask))
    assert iou(drawn(fill_ellipse(found, (120, 130)), (120, 130)), mask) > 0.97
    assert (found.x, found.y) == pytest.approx((61.3, 55.8), abs=0.2)
    assert -45 < found.rotation <= 45 or found.rotation == pytest.approx(-45)


@pytest.mark.parametrize("name", hard_masks())
def test_fitted_ellipses_have_the_area_of_the_object_without_its_holes(name: str) -> None:
    mask = hard_masks()[name]
    found = fitted_ellipse(region_of(mask))
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    solid = cv2.drawContours(np.zeros(mask.shape, np.uint8), contours, -1, 1, cv2.FILLED)
    assert pi * found.radius_x * found.radius_y == pytest.approx(solid.sum())


def test_an_ellipse_is_drawn_where_opencv_draws_it() -> None:
    theirs = cv2.ellipse(np.zeros((200, 220), np.uint8), (100, 90), (70, 25), 30, 0, 360, 1, cv2.FILLED) > 0
    ours = drawn(fill_ellipse(Ellipse(100.5, 90.5, 70.5, 25.5, 30), (200, 220)), (200, 220))
    assert iou(ours, theirs) > 0.97


def test_ellipses_beside_the_picture_or_between_centres_hold_no_pixel() -> None:
    assert fill_ellipse(Ellipse(-30, 5, 10, 10), (20, 20)) is None
    assert fill_ellipse(Ellipse(5, 5, 0.2, 0.2), (20, 20)) is None


@pytest.mark.parametrize("name", hard_masks())
def test_the_inner_point_lies_on_the_object(name: str) -> None:
    mask = hard_masks()[name]
    x, y = inner_point_xy(region_of(mask))
    assert mask[int(y), int(x)]
    assert (x % 1, y % 1) == (0.5, 0.5)


def test_the_inner_point_lies_deep_inside() -> None:
    mask = disc(100, 20, 60, 30) | line(100, (30, 60), (95, 5))
    x, y = inner_point_xy(region_of(mask))
    assert (x, y) == pytest.approx((30, 60), abs=1)
