"""Shapes of the editor and masks: boxes, ellipses and outlines, in pixels, (x, y), of pixel *edges*.

Label Studio's 0 % is the left edge of the first pixel and 100 % the right edge of the last, so here the
pixel in row r and column c covers x in [c, c + 1] and y in [r, r + 1]. A shape holds a pixel when it holds
its centre. All functions that draw return None where a shape holds no pixel of the picture.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil, cos, floor, pi, radians, sin, sqrt

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.errors import RequestError
from backend.labelstudio.rings import border_rings, smoothed
from models.arrays import Mask
from models.masks import distance_inside, fill_holes
from models.regions import Region

_MAX_CROSSINGS = 50_000_000
"""Rows times edges that one outline may have: about two seconds of work."""
_CROSSINGS_AT_ONCE = 1 << 20
_NUDGE_X, _NUDGE_Y = 1 / 1024, 1 / 1657
"""Pixels by which sampling points lie right of and below the centres. Outlines of masks often pass exactly
through centres; which side such a centre is on must not depend on the rounding of percentages. The golden
ratio between the two keeps the points off all lines through centres that rise by small whole numbers."""


@dataclass(frozen=True)
class Rectangle:
    """A rectangle as the editor stores it.

    Attributes:
        x: Left edge before turning.
        y: Top edge before turning.
        width: Size along x before turning.
        height: Size along y before turning.
        rotation: Degrees clockwise, about the corner (x, y).
    """

    x: float
    y: float
    width: float
    height: float
    rotation: float = 0.0

    @property
    def corners_xy(self) -> NDArray[np.float64]:
        """The corners in drawing order, (4, 2)."""
        angle = radians(self.rotation)
        across = np.array([cos(angle), sin(angle)]) * self.width
        down = np.array([-sin(angle), cos(angle)]) * self.height
        return np.array([self.x, self.y]) + np.stack([0 * across, across, across + down, down])


@dataclass(frozen=True)
class Ellipse:
    """An ellipse as the editor stores it.

    Attributes:
        x: Centre.
        y: Centre.
        radius_x: Half axis along x before turning.
        radius_y: Half axis along y before turning.
        rotation: Degrees clockwise, about the centre.
    """

    x: float
    y: float
    radius_x: float
    radius_y: float
    rotation: float = 0.0


def fill_outlines(outlines_xy: Sequence[NDArray[np.float64]], size_hw: tuple[int, int]) -> Region | None:
    """The pixels inside closed outlines, by the non-zero winding rule, as the editor's canvas fills them.

    A hole is an outline that runs the other way, or a part of one outline reached and left over the same
    line, whose two passes cancel out. Outlines may cross themselves.

    Args:
        outlines_xy: Finite corners in drawing order, (N, 2) each; the last joins the first.
        size_hw: Height and width of the picture.

    Raises:
        RequestError: So many long edges that filling would take seconds.
    """
    corners = np.concatenate(outlines_xy)
    height, width = size_hw
    left, top = (int(value) for value in np.clip(np.floor(corners.min(axis=0)), 0, (width, height)))
    right, bottom = (int(value) for value in np.clip(np.ceil(corners.max(axis=0)), 0, (width, height)))
    if left >= right or top >= bottom:
        return None
    shifted = [outline - (left, top) for outline in outlines_xy]
    return _placed(inside_outlines(shifted, (bottom - top, right - left)), top, left)


def inside_outlines(outlines_xy: Sequence[NDArray[np.float64]], size_hw: tuple[int, int]) -> Mask:
    """As `fill_outlines`, but the whole mask, (H, W)."""
    height, width = size_hw
    start = np.concatenate(outlines_xy)
    end = np.concatenate([np.roll(outline, -1, axis=0) for outline in outlines_xy])
    downwards = start[:, 1] < end[:, 1]
    # Computing each edge from its upper end makes two passes over the same line cross rows at equal places.
    upper = np.where(downwards[:, None], start, end)
    lower = np.where(downwards[:, None], end, start)
    first_row, row_after = (
        np.clip(np.ceil(ends[:, 1] - 0.5 - _NUDGE_Y), 0, height).astype(np.int64) for ends in (upper, lower)
    )
    n_rows = row_after - first_row
    if n_rows.sum() > _MAX_CROSSINGS:
        raise RequestError(
            f"The outline's {len(start)} edges cross {n_rows.sum()} rows of pixels; at most {_MAX_CROSSINGS} "
            "are filled. Simplify it."
        )
    winding = np.zeros((height, width + 1), dtype=np.int32)
    for edges in _batches(np.flatnonzero(n_rows), n_rows):
        edge = np.repeat(edges, n_rows[edges])
        offset = np.arange(edge.size) - np.repeat(np.cumsum(n_rows[edges]) - n_rows[edges], n_rows[edges])
        row = first_row[edge] + offset
        slope = (lower[edges, 0] - upper[edges, 0]) / (lower[edges, 1] - upper[edges, 1])
        x = upper[edge, 0] + (row + 0.5 + _NUDGE_Y - upper[edge, 1]) * np.repeat(slope, n_rows[edges])
        column = np.clip(np.ceil(x - 0.5 - _NUDGE_X), 0, width).astype(np.int64)
        np.add.at(winding, (row, column), np.where(downwards[edge], 1, -1))
    np.cumsum(winding, axis=1, out=winding)
    return np.asarray(winding[:, :width] != 0)


def fill_ellipse(ellipse: Ellipse, size_hw: tuple[int, int]) -> Region | None:
    """The pixels whose centres lie inside an ellipse or on it.

    Args:
        ellipse: Radii above zero.
        size_hw: Height and width of the picture.
    """
    angle = radians(ellipse.rotation)
    reach_x = sqrt((ellipse.radius_x * cos(angle)) ** 2 + (ellipse.radius_y * sin(angle)) ** 2)
    reach_y = sqrt((ellipse.radius_x * sin(angle)) ** 2 + (ellipse.radius_y * cos(angle)) ** 2)
    height, width = size_hw
    top, bottom = max(0, floor(ellipse.y - reach_y)), min(height, ceil(ellipse.y + reach_y))
    left, right = max(0, floor(ellipse.x - reach_x)), min(width, ceil(ellipse.x + reach_x))
    if top >= bottom or left >= right:
        return None
    down = np.arange(top, bottom)[:, None] + 0.5 - ellipse.y
    across = np.arange(left, right) + 0.5 - ellipse.x
    along_x = (across * cos(angle) + down * sin(angle)) / ellipse.radius_x
    along_y = (down * cos(angle) - across * sin(angle)) / ellipse.radius_y
    return _placed(along_x**2 + along_y**2 <= 1, top, left)


def bounding_rectangle(region: Region) -> Rectangle:
    """The smallest rectangle along the picture's axes around a region."""
    top, left, bottom, right = region.box
    return Rectangle(left, top, right - left, bottom - top)


def smallest_rectangle(region: Region) -> Rectangle:
    """The rectangle, turned freely, that fits a region best; its rotation is in (-45, 45].

    Three are compared by their overlap with the region: the one along the picture's axes, the one of least
    area around the pixels, and the one of least area around the border with the steps of slanted edges
    smoothed, which would otherwise add half a pixel on every side.
    """
    rings = border_rings(region.mask)
    exact = np.concatenate(rings)
    smooth = np.concatenate([smoothed(ring) for ring in rings])
    height, width = region.mask.shape
    candidates = [Rectangle(0, 0, width, height), _rectangle_around(exact), _rectangle_around(smooth)]

    def overlap(rectangle: Rectangle) -> float:
        inside = inside_outlines([rectangle.corners_xy], (height, width))
        n_common = np.count_nonzero(inside & region.mask)
        return n_common / (rectangle.width * rectangle.height + region.area - n_common)

    best = max(candidates, key=overlap)
    return replace(best, x=best.x + region.left, y=best.y + region.top)


def turned_by_quarters(rectangle: Rectangle) -> Iterator[Rectangle]:
    """The four ways to write the same rectangle: each of its corners may be the one it is turned about."""
    corners = rectangle.corners_xy
    for quarter, (x, y) in enumerate(corners):
        sides = (rectangle.width, rectangle.height)
        width, height = sides if quarter % 2 == 0 else sides[::-1]
        yield Rectangle(float(x), float(y), width, height, rectangle.rotation + 90 * quarter)


def fitted_ellipse(region: Region) -> Ellipse:
    """The ellipse with a region's centre, second moments' directions and proportions, and area.

    Holes count as inside. The rotation is in (-45, 45].
    """
    solid = fill_holes(region.mask)
    rows, columns = np.nonzero(solid)
    centre_x, centre_y = columns.mean() + 0.5, rows.mean() + 0.5
    # A pixel is a square, not a point: its own second moment is 1/12.
    spread = np.cov(np.stack([columns, rows]), bias=True).reshape(2, 2) + np.eye(2) / 12
    variances, directions = np.linalg.eigh(spread)
    half_axes = 2 * np.sqrt(variances)
    half_axes *= sqrt(rows.size / (pi * half_axes[0] * half_axes[1]))
    x_axis = int(abs(directions[0, 1]) >= abs(directions[0, 0]))  # the axis nearer to the picture's x axis
    across, down = directions[:, x_axis] * np.copysign(1, directions[0, x_axis])
    return Ellipse(
        float(centre_x + region.left),
        float(centre_y + region.top),
        float(half_axes[x_axis]),
        float(half_axes[1 - x_axis]),
        float(np.degrees(np.arctan2(down, across))),
    )


def inner_point_xy(region: Region) -> tuple[float, float]:
    """The centre of the pixel that lies deepest inside a region."""
    row, column = np.unravel_index(distance_inside(region.mask).argmax(), region.mask.shape)
    return float(column + region.left + 0.5), float(row + region.top + 0.5)


def _rectangle_around(points_xy: NDArray[np.float64]) -> Rectangle:
    (x, y), (width, height), rotation = cv2.minAreaRect(points_xy.astype(np.float32))
    if rotation > 45:
        width, height, rotation = height, width, rotation - 90
    angle = radians(rotation)
    return Rectangle(
        x - (width * cos(angle) - height * sin(angle)) / 2,
        y - (width * sin(angle) + height * cos(angle)) / 2,
        width,
        height,
        rotation,
    )


def _placed(mask: Mask, top: int, left: int) -> Region | None:
    tight = Region.from_mask(mask)
    return None if tight is None else Region(tight.mask, tight.top + top, tight.left + left)


def _batches(edges: NDArray[np.int64], n_rows: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Split edges so that the rows they cross together stay few enough to hold in memory."""
    batch = np.cumsum(n_rows[edges]) // _CROSSINGS_AT_ONCE
    yield from np.split(edges, np.flatnonzero(np.diff(batch)) + 1)
