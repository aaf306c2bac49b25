import numpy as np

from models.necks import split_at_necks

ROWS, COLUMNS = np.mgrid[:60, :100]
LEFT, RIGHT = np.hypot(ROWS - 30, COLUMNS - 28) < 15, np.hypot(ROWS - 30, COLUMNS - 55) < 14


def test_parts_that_a_neck_connects_get_different_numbers() -> None:
    parts = split_at_necks(LEFT | RIGHT, 0.8)
    assert parts[30, 20] != parts[30, 62]
    assert set(np.unique(parts[LEFT | RIGHT])) == {1, 2}
    assert not parts[~(LEFT | RIGHT)].any()


def test_parts_in_which_no_large_disc_fits_belong_to_their_neighbour() -> None:
    assert split_at_necks(LEFT | RIGHT, 0.8, least_radius=15).max() == 1


def test_large_masks_are_divided_at_a_reduced_resolution_with_their_own_outline() -> None:
    mask = LEFT | RIGHT
    parts = split_at_necks(mask, 0.8, max_side=50)
    assert parts[30, 20] != parts[30, 62]
    assert np.count_nonzero(parts[mask]) > 0.99 * np.count_nonzero(mask)
    assert not parts[~mask].any()


def test_parts_that_do_not_touch_are_different() -> None:
    far = np.hypot(ROWS - 30, COLUMNS - 85) < 6
    parts = split_at_necks(LEFT | far, 0.8, least_radius=15)
    assert parts[30, 28] != parts[30, 85]
