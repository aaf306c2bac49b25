"""The best path around a circle: through a table whose last row is followed by its first."""

import numpy as np
from numpy.typing import NDArray


def best_closed_path(gains: NDArray[np.floating], bend: int) -> NDArray[np.intp]:
    """Choose a column in each row so that the sum of the gains is largest.

    Args:
        gains: (N, K), N rows around the circle.
        bend: Most columns between the choices of neighbouring rows, the last and the first one included.

    Returns:
        The chosen column of each row, (N,).

    Dynamic programming for all K starts at the same time, which is exact: N × K² × (2 × bend + 1) steps.
    """
    n_rows, n_columns = gains.shape
    best = np.full((n_columns, n_columns), -np.inf)  # of paths from a start, by row, to an end, by column
    np.fill_diagonal(best, gains[0])
    came_from = np.zeros((n_rows, n_columns, n_columns), dtype=np.int8)
    shifts = np.array(sorted(range(-bend, bend + 1), key=abs))
    for row in range(1, n_rows):
        options = np.stack([_shifted(best, shift) for shift in shifts])
        chosen = options.argmax(axis=0)
        came_from[row] = shifts[chosen]
        best = np.take_along_axis(options, chosen[None], axis=0)[0] + gains[row]
    start_of, end_of = np.indices(best.shape)
    best[abs(start_of - end_of) > bend] = -np.inf
    start, end = np.unravel_index(int(best.argmax()), best.shape)
    path = np.empty(n_rows, dtype=np.intp)
    path[-1] = end
    for row in range(n_rows - 1, 0, -1):
        path[row - 1] = path[row] + came_from[row, start, path[row]]
    return path


def _shifted(best: NDArray[np.float64], shift: int) -> NDArray[np.float64]:
    """What stands `shift` columns to the right of each place, -inf beyond the sides."""
    moved = np.full_like(best, -np.inf)
    width = best.shape[1]
    if abs(shift) < width:
        moved[:, max(0, -shift) : width - max(0, shift)] = best[:, max(0, shift) : width - max(0, -shift)]
    return moved
