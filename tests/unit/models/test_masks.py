import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as st_numpy
from scipy import ndimage

from models.arrays import Mask
from models.masks import components, distance_inside, fill_holes, holes

MASKS = st_numpy.arrays(bool, st_numpy.array_shapes(min_dims=2, max_dims=2, max_side=12))


def drawn(*rows: str) -> Mask:
    return np.array([[character == "#" for character in row] for row in rows])


def test_pixels_that_touch_at_a_corner_are_one_component() -> None:
    labels, areas = components(drawn("#...", ".#..", "...#"))

    assert labels.tolist() == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 2]]
    assert areas.tolist() == [9, 2, 1]


def test_a_hole_does_not_leak_through_a_corner() -> None:
    labels, areas = holes(drawn(".#.", "#.#", ".#."))

    assert labels.tolist() == [[0, 0, 0], [0, 1, 0], [0, 0, 0]]
    assert areas.tolist() == [8, 1]


def test_background_at_the_border_is_no_hole() -> None:
    labels, areas = holes(drawn("####", "#..#", "#..#"))

    assert not labels.any()
    assert areas.tolist() == [12]


@given(MASKS)
def test_components_agree_with_scipy(mask: Mask) -> None:
    labels, areas = components(mask)

    assert len(areas) - 1 == ndimage.label(mask, np.ones((3, 3)))[1]
    assert np.array_equal(labels > 0, mask)


@given(MASKS)
def test_filled_holes_agree_with_scipy(mask: Mask) -> None:
    before = mask.copy()

    assert np.array_equal(fill_holes(mask), ndimage.binary_fill_holes(mask))
    assert np.array_equal(mask, before)


@given(MASKS)
def test_the_distance_agrees_with_scipy_on_a_padded_mask(mask: Mask) -> None:
    expected = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]

    assert distance_inside(mask) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("size_hw", [(1, 1), (1, 9), (9, 1), (2, 2)])
@pytest.mark.parametrize("value", [False, True])
def test_tiny_and_uniform_masks_work(size_hw: tuple[int, int], value: bool) -> None:
    mask = np.full(size_hw, value)

    assert len(components(mask)[1]) == 1 + value
    assert len(holes(mask)[1]) == 1
    assert (distance_inside(mask) == value).all()
