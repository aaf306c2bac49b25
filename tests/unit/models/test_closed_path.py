from itertools import product

import numpy as np
import pytest

from models.closed_path import best_closed_path


@pytest.mark.parametrize("bend", [1, 2])
def test_the_path_is_the_best_of_all_that_close(bend: int) -> None:
    for seed in range(20):
        gains = np.random.default_rng(seed).normal(size=(6, 4))
        closed = [
            path
            for path in product(range(4), repeat=6)
            if all(abs(path[row] - path[row - 1]) <= bend for row in range(6))
        ]
        best = max(closed, key=lambda path: gains[range(6), path].sum())
        assert best_closed_path(gains, bend).tolist() == list(best)


def test_with_equal_gains_the_path_goes_straight() -> None:
    path = best_closed_path(np.zeros((9, 5)), 2)
    assert np.unique(path).size == 1


def test_a_single_row_and_a_single_column_are_paths() -> None:
    assert best_closed_path(np.array([[1.0, 3.0, 2.0]]), 1).tolist() == [1]
    assert best_closed_path(np.ones((4, 1)), 10).tolist() == [0, 0, 0, 0]
