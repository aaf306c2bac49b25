"""The eight ways in which a stored picture may be turned before it is shown, numbered as in EXIF.

1 leaves it as it is, 2 mirrors left and right, 3 turns by 180 degrees, 4 mirrors top and bottom, 5 swaps rows
and columns, 6 turns by 90 degrees clockwise, 7 swaps rows and columns the other way, 8 turns by 90 degrees
counter-clockwise.
"""

from typing import Any

from numpy.typing import NDArray

UPRIGHT = 1
ORIENTATIONS = range(1, 9)
_BACK = {6: 8, 8: 6}
"""What undoes a turn; the others undo themselves."""


def turned(stored: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Turn a picture from how it is stored to how it is shown.

    Args:
        stored: Rows and columns first, (H, W, ...); not copied.
        orientation: One of `ORIENTATIONS`.

    Raises:
        ValueError: There is no such orientation.
    """
    if orientation not in ORIENTATIONS:
        raise ValueError(f"Orientations are numbered from 1 to 8; {orientation} is none.")
    swapped = stored if orientation < 5 else stored.swapaxes(0, 1)
    return swapped[:: -1 if orientation in (3, 4, 7, 8) else 1, :: -1 if orientation in (2, 3, 6, 7) else 1]


def turned_back(shown: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Undo `turned`: from how a picture is shown to how it is stored.

    Raises:
        ValueError: There is no such orientation.
    """
    return turned(shown, _BACK.get(orientation, orientation))


def orientation_of(*, swapped: bool, rows_reversed: bool, columns_reversed: bool) -> int:
    """The orientation that first swaps rows and columns and then reverses the ones, the others, or both."""
    order = {(False, False): 1, (False, True): 2, (True, True): 3, (True, False): 4}
    turn = order[rows_reversed, columns_reversed]
    return {1: 5, 2: 6, 3: 7, 4: 8}[turn] if swapped else turn
