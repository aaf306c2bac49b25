"""Objects at the border of the picture."""

from __future__ import annotations

from models.regions import Region


def is_cut(region: Region, size_hw: tuple[int, int]) -> bool:
    """Whether an object reaches the border of its picture, which may have cut it off.

    Args:
        region: The object.
        size_hw: Height and width of the picture.
    """
    top, left, bottom, right = region.box
    return top <= 0 or left <= 0 or bottom >= size_hw[0] or right >= size_hw[1]
