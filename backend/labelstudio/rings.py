"""The border of a mask as closed rings, and rings drawn with fewer corners.

Coordinates are (x, y) pixel edges: the pixel in row r and column c covers x in [c, c + 1], y in [r, r + 1].
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from models.arrays import Mask

_LEAST_SINE = 0.05
"""Lines that meet at less than three degrees meet too far away to trust."""


def border_rings(mask: Mask) -> list[NDArray[np.float64]]:
    """Follow a mask's border along the pixels' edges.

    Args:
        mask: The object, (H, W), at least one pixel.

    Returns:
        The corners of each closed ring, (N, 2), with the object on the right hand; a connected mask's
        outside comes first, then its holes. Where pixels touch at a corner only, the border joins them.
    """
    width = mask.shape[1]
    row_length = width + 1
    padded = np.pad(mask, 1)
    outside = [~padded[:-2, 1:-1], ~padded[1:-1, 2:], ~padded[2:, 1:-1], ~padded[1:-1, :-2]]
    # A step leaves a grid point rightwards, downwards, leftwards or upwards (0 to 3) along an inside pixel.
    corners_of_pixel = (0, 1, row_length + 1, row_length)
    found = []
    for number, (beside, corner) in enumerate(zip(outside, corners_of_pixel, strict=True)):
        pixel = np.flatnonzero(mask & beside)
        found.append((pixel + pixel // width + corner) * 4 + number)
    steps = np.sort(np.concatenate(found))
    point, direction = np.divmod(steps, 4)
    reached = point + np.array([1, row_length, -1, -row_length])[direction]
    following: NDArray[np.int64] = np.full(steps.size, -1)
    for turn in (1, 0, 3):  # right, straight on, left: where two are possible the last wins
        wanted = reached * 4 + (direction + turn) % 4
        index = np.minimum(np.searchsorted(steps, wanted), steps.size - 1)
        following = np.where(steps[index] == wanted, index, following)
    rings = []
    for ring in _cycles(following.tolist()):
        is_corner = direction[ring] != np.roll(direction[ring], 1)
        corners = np.divmod(point[ring][is_corner], row_length)
        rings.append(np.stack(corners[::-1], axis=1).astype(np.float64))
    # The first step of all lies on the topmost row, so its ring is the outside.
    return rings


def _cycles(following: list[int]) -> list[NDArray[np.int64]]:
    """Split a permutation into its cycles; the first holds entry 0."""
    seen = bytearray(len(following))
    cycles = []
    for start in range(len(following)):
        if seen[start]:
            continue
        cycle = []
        current = start
        while not seen[current]:
            seen[current] = 1
            cycle.append(current)
            current = following[current]
        cycles.append(np.asarray(cycle))
    return cycles


def smoothed(ring: NDArray[np.float64]) -> NDArray[np.float64]:
    """Draw a border ring through the middles of its sides and through its true corners, (N, 2).

    Of two neighbouring sides of a digital straight line one is always a single pixel long, so a corner
    between two longer sides is one of the object itself. Pixel centres stay on their side of the line.
    """
    middle = (ring + np.roll(ring, -1, axis=0)) / 2
    is_long = np.abs(ring - np.roll(ring, -1, axis=0)).sum(axis=1) > 1
    is_true_corner = is_long & np.roll(is_long, 1)
    is_wanted_middle = ~(is_true_corner & np.roll(is_true_corner, -1))
    points = np.stack([ring, middle], axis=1).reshape(-1, 2)
    return np.asarray(points[np.stack([is_true_corner, is_wanted_middle], axis=1).ravel()])


def simplified(ring: NDArray[np.float64], tolerance: float) -> NDArray[np.float64]:
    """Leave out corners that lie within a tolerance in pixels, but keep three at least."""
    simple = cv2.approxPolyDP(ring.astype(np.float32)[:, None], tolerance, closed=True)[:, 0]
    if len(simple) < 3:
        return np.asarray(ring[np.linspace(0, len(ring), min(4, len(ring)), endpoint=False).astype(int)])
    return simple.astype(np.float64)


def refitted(ring: NDArray[np.float64], corners: NDArray[np.float64], reach: float) -> NDArray[np.float64]:
    """Move the corners chosen of a ring to where the lines that fit the ring best between them meet.

    A corner stays where its two lines meet further away than `reach` pixels, beyond the ring's extent, or
    not at all. A ring that passes a point twice is left as it is.

    Source: Selinger, "Potrace: a polygon-based tracing algorithm", 2003, section 2.3.1.
    """
    chosen = _positions(ring, corners)
    if chosen is None:
        return corners
    corners = ring[chosen]
    x, y = np.concatenate([ring, ring]).T
    sums = np.cumsum(np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1), axis=0)
    sums = np.concatenate([np.zeros((1, 6)), sums])
    after = np.append(chosen[1:], chosen[0] + len(ring)) + 1
    n, sum_x, sum_y, sum_xx, sum_xy, sum_yy = (sums[after] - sums[chosen]).T
    centre = np.stack([sum_x, sum_y], axis=1) / n[:, None]
    angle = (
        np.arctan2(2 * (sum_xy - sum_x * sum_y / n), (sum_xx - sum_x**2 / n) - (sum_yy - sum_y**2 / n)) / 2
    )
    normal = np.stack([-np.sin(angle), np.cos(angle)], axis=1)
    offset = (normal * centre).sum(axis=1)
    before, offset_before = np.roll(normal, 1, axis=0), np.roll(offset, 1)
    crossing = before[:, 0] * normal[:, 1] - before[:, 1] * normal[:, 0]
    is_meeting = np.abs(crossing) > _LEAST_SINE
    crossing = np.where(is_meeting, crossing, 1)
    met = np.stack(
        [
            (offset_before * normal[:, 1] - offset * before[:, 1]) / crossing,
            (offset * before[:, 0] - offset_before * normal[:, 0]) / crossing,
        ],
        axis=1,
    )
    is_near = is_meeting & (((met - corners) ** 2).sum(axis=1) <= reach**2)
    is_within = ((met >= ring.min(axis=0)) & (met <= ring.max(axis=0))).all(axis=1)
    return np.where((is_near & is_within)[:, None], met, corners)


def _positions(ring: NDArray[np.float64], corners: NDArray[np.float64]) -> NDArray[np.int64] | None:
    """Where the corners stand in the ring, ascending; None if that cannot be told."""
    keys, wanted = (points[:, 0] * (1 << 20) + points[:, 1] for points in (ring, corners))
    order = np.argsort(keys, kind="stable")
    if np.any(np.diff(keys[order]) == 0):
        return None
    return np.sort(order[np.searchsorted(keys[order], wanted)])
