"""The `value` of a drawn region, JSON to pixels: one reader for each kind of control.

Annotators' JSON is untrusted: numbers are checked, sizes are compared before anything is allocated.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.errors import RequestError
from backend.labelstudio import png, rle
from backend.labelstudio.brush_touches import paint_touches
from backend.labelstudio.controls import ControlKind
from backend.labelstudio.geometry import Ellipse, Rectangle, fill_ellipse, fill_outlines
from models.regions import Region

_LARGEST_NUMBER = 1e6
_CURVE_STEPS = 16
"""Straight pieces that a curved side of a vector becomes."""


def region_of_value(kind: ControlKind, value: Mapping[str, Any], size_hw: tuple[int, int]) -> Region | None:
    """The pixels that a region's value describes.

    Brush and bitmask pixels count from half opacity. Outlines are filled as the editor shows them, by the
    non-zero winding rule. A key point is the one pixel it lies on.

    Args:
        kind: Family of the control it was drawn with, one of `REGION_KINDS`.
        value: The item's `value`.
        size_hw: Height and width of the picture; the result lies inside.

    Returns:
        The region without class and score; None if it covers no pixel.

    Raises:
        RequestError: Something is missing, of the wrong type or size, or encloses nothing.
    """
    return _READERS[kind](value, size_hw)


def outline_of_value(
    kind: ControlKind, value: Mapping[str, Any], size_hw: tuple[int, int]
) -> NDArray[np.float64] | None:
    """The corners of what was drawn corner by corner.

    Args:
        kind: Family of the control it was drawn with.
        value: The item's `value`, of which `region_of_value` made a region.
        size_hw: Height and width of the picture.

    Returns:
        (n, 2) of row and column in pixels, closed by itself; None for what was drawn in another way.
    """
    if kind is ControlKind.POLYGON:
        points_xy = _points_xy(value.get("points"), "points", size_hw)
    elif kind is ControlKind.VECTOR:
        points_xy = _points_xy(_vector_points(value.get("vertices")), "vertices", size_hw)
    else:
        return None
    return points_xy[:, ::-1] - 0.5  # the editor counts from pixels' edges, models from their centres


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= _LARGEST_NUMBER:
        raise RequestError(f"{name} is {str(value)[:40]!r}, not a number that a picture could have.")
    return float(value)


def _pixels(value: Mapping[str, Any], names: Sequence[str], of: Sequence[int]) -> list[float]:
    """Percentages of the picture's width or height as pixels."""
    return [
        _number(value.get(name), f"value.{name}") * size / 100 for name, size in zip(names, of, strict=True)
    ]


def _points_xy(points: Any, name: str, size_hw: tuple[int, int]) -> NDArray[np.float64]:
    if not isinstance(points, list) or len(points) < 3:
        raise RequestError(f"value.{name} needs at least three points to enclose anything.")
    corners = []
    for point in points:
        if not isinstance(point, list | tuple) or len(point) != 2:
            raise RequestError(f"value.{name} has a point that is no pair of numbers.")
        corners.append([_number(part, f"a point of value.{name}") for part in point])
    return np.asarray(corners) * (size_hw[1] / 100, size_hw[0] / 100)


def _brush(value: Mapping[str, Any], size_hw: tuple[int, int]) -> Region | None:
    touches = value.get("touches")
    if "maskDataURL" in value and not value.get("rle"):
        mask = png.decode(value["maskDataURL"], size_hw)
    elif touches and not value.get("rle"):
        mask = np.zeros(size_hw, bool)
    else:
        mask = rle.decode(value.get("rle", ()), size_hw)
    return Region.from_mask(paint_touches(mask, touches) if touches else mask)


def _bitmask(value: Mapping[str, Any], size_hw: tuple[int, int]) -> Region | None:
    return Region.from_mask(png.decode(value.get("imageDataURL"), size_hw))


def _polygon(value: Mapping[str, Any], size_hw: tuple[int, int]) -> Region | None:
    if value.get("closed") is False:
        raise RequestError("the polygon was never closed.")
    return fill_outlines([_points_xy(value.get("points"), "points", size_hw)], size_hw)


def _vector(value: Mapping[str, Any], size_hw: tuple[int, int]) -> Region | None:
    if value.get("closed") is not True:
        raise RequestError("the vector is an open line and encloses nothing.")
    return fill_outlines([_points_xy(_vector_points(value.get("vertices")), "vertices", size_hw)], size_hw)


def _vector_points(vertices: Any) -> list[list[Any]]:
    """The corners of a vector, with curved sides drawn in short straight pieces."""
    if not isinstance(vertices, list) or not all(isinstance(vertex, Mapping) for vertex in vertices):
        raise RequestError("value.vertices is no list of objects.")
    points = []
    for vertex, following in zip(vertices, [*vertices[1:], *vertices[:1]], strict=True):
        points.append([vertex.get("x"), vertex.get("y")])
        start, end = _control_point(vertex, "controlPoint2"), _control_point(following, "controlPoint1")
        if start is not None or end is not None:
            points += _curve(_vertex_xy(vertex), start, end, _vertex_xy(following))
    return points


def _vertex_xy(point: Mapping[str, Any]) -> NDArray[np.float64]:
    return np.array([_number(point.get(axis), f"{axis} of a vertex") for axis in ("x", "y")])


def _control_point(vertex: Mapping[str, Any], key: str) -> NDArray[np.float64] | None:
    point = vertex.get(key) if vertex.get("isBezier") is True else None
    return _vertex_xy(point) if isinstance(point, Mapping) else None


def _curve(
    first: NDArray[np.float64],
    start: NDArray[np.float64] | None,
    end: NDArray[np.float64] | None,
    last: NDArray[np.float64],
) -> list[list[float]]:
    """Points between the ends of a cubic Bézier curve.

    Where only one end has a control point the editor puts the other 30 % of the way along the straight line
    (editor sources: `KonvaVector/components/VectorShape.tsx`).
    """
    near_first = first + 0.3 * (last - first) if start is None else start
    near_last = last - 0.3 * (last - first) if end is None else end
    part = (np.arange(1, _CURVE_STEPS) / _CURVE_STEPS)[:, None]
    rest = 1 - part
    curve = (
        rest**3 * first + 3 * rest**2 * part * near_first + 3 * rest * part**2 * near_last + part**3 * last
    )
    return [[float(x), float(y)] for x, y in curve]


def _rotation(value: Mapping[str, Any]) -> float:
    return _number(value.get("rotation") or 0, "value.rotation")


def _rectangle(value: Mapping[str, Any], size_hw: tuple[int, int]) -> Region | None:
    height, width = size_hw
    x, y, across, down = _pixels(value, ("x", "y", "width", "height"), (width, height, width, height))
    return fill_outlines([Rectangle(x, y, across, down, _rotation(value)).corners_xy], size_hw)


def _ellipse(value: Mapping[str, Any], size_hw: tuple[int, int]) -> Region | None:
    height, width = size_hw
    x, y, radius_x, radius_y = _pixels(
        value, ("x", "y", "radiusX", "radiusY"), (width, height, width, height)
    )
    if radius_x <= 0 or radius_y <= 0:
        return None
    return fill_ellipse(Ellipse(x, y, radius_x, radius_y, _rotation(value)), size_hw)


def _keypoint(value: Mapping[str, Any], size_hw: tuple[int, int]) -> Region | None:
    height, width = size_hw
    x, y = _pixels(value, ("x", "y"), (width, height))
    if not (0 <= x <= width and 0 <= y <= height):
        return None
    row, column = min(math.floor(y), height - 1), min(math.floor(x), width - 1)
    return Region(np.ones((1, 1), dtype=bool), row, column)


_READERS: Mapping[ControlKind, Callable[[Mapping[str, Any], tuple[int, int]], Region | None]] = {
    ControlKind.BRUSH: _brush,
    ControlKind.BITMASK: _bitmask,
    ControlKind.POLYGON: _polygon,
    ControlKind.VECTOR: _vector,
    ControlKind.RECTANGLE: _rectangle,
    ControlKind.ELLIPSE: _ellipse,
    ControlKind.KEYPOINT: _keypoint,
}
REGION_KINDS = frozenset(_READERS)
"""The kinds of controls that draw regions."""
