"""From regions to result items: what a model's answer is made of.

An item of a bare control (`<Brush>` beside `<Labels>`) has no labels itself. The editor stores a second item
with the same id, `type: "labels"`, the `<Labels>` tag's name and the geometry once more: its results belong
to one area, and each is written as the area's value plus its own (editor sources: `regions/Result.js`,
`serialize`; `stores/Annotation/Annotation.js`, `deserializeSingleResult`, which joins them by id). The SDK's
`LabelsTag.validate_value` calls it "split format".
"""

import logging
import math
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from backend.labelstudio import png, rle
from backend.labelstudio.controls import Control, ControlKind
from backend.labelstudio.geometry import (
    Rectangle,
    bounding_rectangle,
    fitted_ellipse,
    inner_point_xy,
    smallest_rectangle,
    turned_by_quarters,
)
from backend.labelstudio.outlines import outline
from models.regions import Region

logger = logging.getLogger(__name__)

_DECIMALS = 6
"""Of percentages: a thousandth of a pixel in a picture 100 000 wide."""
_POINT_WIDTH = 0.5
"""Size of key points, percent of the picture's width."""

Json = dict[str, Any]


@dataclass(frozen=True)
class ResultOptions:
    """How regions are written.

    Attributes:
        polygon_min_iou: Least overlap of a polygon with its mask, in (0, 1].
        polygon_max_points: Most corners of one region's polygons together, at least 6; wins over the overlap.

    Raises:
        ValueError: A value out of range.
    """

    polygon_min_iou: float = 0.99
    polygon_max_points: int = 1000

    def __post_init__(self) -> None:
        if not 0 < self.polygon_min_iou <= 1:
            raise ValueError(f"polygon_min_iou must lie in (0, 1], not {self.polygon_min_iou}.")
        if self.polygon_max_points < 6:
            raise ValueError(f"polygon_max_points must be at least 6, not {self.polygon_max_points}.")


_DEFAULT_OPTIONS = ResultOptions()


def encode_region(
    region: Region,
    control: Control,
    label: str | None,
    size_hw: tuple[int, int],
    *,
    region_id: str | None = None,
    options: ResultOptions = _DEFAULT_OPTIONS,
) -> list[Json]:
    """Write one object for a control.

    Brush and bitmask regions keep separate parts together. Polygons and vectors become one region for each
    part, with holes joined to the outside; the second part's id is the first's with `-2` behind it.

    Args:
        region: The object; what lies beside the picture is cut off.
        control: Where it goes; every kind but `choices`.
        label: The label to give; None, or a control without labels, gives an item without.
        size_hw: Height and width of the picture as the editor shows it, EXIF orientation applied.
        region_id: Id of the (first) region; a new one if None.
        options: See `ResultOptions`.

    Returns:
        JSON of plain Python values; empty if nothing of the object lies in the picture.

    Raises:
        ValueError: The control has no regions.
    """
    if control.kind not in _VALUES:
        raise ValueError(f"{control.kind.value} control {control.name!r} has no regions; use encode_choices.")
    visible = _inside_picture(region, size_hw)
    if visible is None:
        return []
    first_id = region_id if region_id is not None else _new_id()
    height, width = size_hw
    items = []
    for number, geometry in enumerate(_VALUES[control.kind](visible, control, size_hw, options), start=1):
        common = {
            "id": first_id if number == 1 else f"{first_id}-{number}",
            "to_name": control.to_name,
            "original_width": int(width),
            "original_height": int(height),
            "image_rotation": 0,
            "score": _score(region.score),
        }
        has_own_labels = control.result_type != control.kind.value
        labels = {control.result_type: [label]} if has_own_labels and label is not None else {}
        items.append(
            {
                **common,
                "from_name": control.name,
                "type": control.result_type,
                "value": {**geometry, **labels},
            }
        )
        if label is not None and control.labels_name is not None:
            value = {**geometry, "labels": [label]}
            items.append({**common, "from_name": control.labels_name, "type": "labels", "value": value})
    return items


def encode_choices(
    control: Control, labels: Iterable[str], *, score: float = 1.0, region_id: str | None = None
) -> list[Json]:
    """Write choices about a whole picture.

    Args:
        control: A `choices` control.
        labels: The chosen values; none gives no item.
        score: Confidence in [0, 1].
        region_id: Id of the item; a new one if None.
    """
    chosen = list(labels)
    if not chosen:
        return []
    return [
        {
            "id": region_id if region_id is not None else _new_id(),
            "from_name": control.name,
            "to_name": control.to_name,
            "type": control.result_type,
            "score": _score(score),
            "value": {"choices": chosen},
        }
    ]


def _new_id() -> str:
    return secrets.token_urlsafe(9)  # 12 characters of the alphabet the editor uses itself


def _score(score: float) -> float:
    """A number that Label Studio can store: NaN makes tasks impossible to open."""
    return min(max(float(score), 0.0), 1.0) if math.isfinite(score) else 0.0


def _inside_picture(region: Region, size_hw: tuple[int, int]) -> Region | None:
    top, left, bottom, right = region.box
    if top >= 0 and left >= 0 and bottom <= size_hw[0] and right <= size_hw[1]:
        return region.with_mask(region.mask)
    return Region.from_mask(region.full_mask(size_hw))


def _percent(pixels: float, of: int) -> float:
    return round(100 * float(pixels) / of, _DECIMALS)


def _brush(region: Region, control: Control, size_hw: tuple[int, int], options: ResultOptions) -> list[Json]:
    return [{"format": "rle", "rle": rle.encode(region.full_mask(size_hw))}]


def _bitmask(
    region: Region, control: Control, size_hw: tuple[int, int], options: ResultOptions
) -> list[Json]:
    return [{"imageDataURL": png.encode(region.full_mask(size_hw))}]


def _corners(region: Region, size_hw: tuple[int, int], options: ResultOptions) -> list[list[list[float]]]:
    outlines = outline(region, min_iou=options.polygon_min_iou, max_points=options.polygon_max_points)
    if outlines.iou < options.polygon_min_iou:
        logger.warning(
            "A region needs more than %d polygon points for an overlap of %.3f; it is shown with %.3f.",
            options.polygon_max_points,
            options.polygon_min_iou,
            outlines.iou,
        )
    height, width = size_hw
    return [
        [[_percent(x, width), _percent(y, height)] for x, y in polygon.tolist()]
        for polygon in outlines.polygons_xy
    ]


def _polygon(
    region: Region, control: Control, size_hw: tuple[int, int], options: ResultOptions
) -> list[Json]:
    return [{"points": corners, "closed": True} for corners in _corners(region, size_hw, options)]


def _vector(region: Region, control: Control, size_hw: tuple[int, int], options: ResultOptions) -> list[Json]:
    return [
        {"vertices": [{"x": x, "y": y} for x, y in corners], "closed": True}
        for corners in _corners(region, size_hw, options)
    ]


def _rectangle(
    region: Region, control: Control, size_hw: tuple[int, int], options: ResultOptions
) -> list[Json]:
    rectangle = bounding_rectangle(region)
    if control.oriented:
        rectangle = _storable(smallest_rectangle(region), size_hw) or rectangle
    height, width = size_hw
    return [
        {
            "x": _percent(rectangle.x, width),
            "y": _percent(rectangle.y, height),
            "width": _percent(rectangle.width, width),
            "height": _percent(rectangle.height, height),
            "rotation": round(rectangle.rotation % 360, _DECIMALS) % 360,
        }
    ]


def _storable(rectangle: Rectangle, size_hw: tuple[int, int]) -> Rectangle | None:
    """Of the ways to write a turned rectangle one that the bulk import accepts: all numbers in 0..100 %."""
    height, width = size_hw
    for way in turned_by_quarters(rectangle):
        if 0 <= way.x <= width and 0 <= way.y <= height and way.width <= width and way.height <= height:
            return way
    return None


def _ellipse(
    region: Region, control: Control, size_hw: tuple[int, int], options: ResultOptions
) -> list[Json]:
    ellipse = fitted_ellipse(region)
    height, width = size_hw
    return [
        {
            "x": _percent(ellipse.x, width),
            "y": _percent(ellipse.y, height),
            # The bulk import accepts radii up to half the picture.
            "radiusX": min(_percent(ellipse.radius_x, width), 50.0),
            "radiusY": min(_percent(ellipse.radius_y, height), 50.0),
            "rotation": round(ellipse.rotation % 360, _DECIMALS) % 360,
        }
    ]


def _keypoint(
    region: Region, control: Control, size_hw: tuple[int, int], options: ResultOptions
) -> list[Json]:
    x, y = inner_point_xy(region)
    height, width = size_hw
    return [{"x": _percent(x, width), "y": _percent(y, height), "width": _POINT_WIDTH}]


_VALUES: Mapping[ControlKind, Callable[[Region, Control, tuple[int, int], ResultOptions], list[Json]]] = {
    ControlKind.BRUSH: _brush,
    ControlKind.BITMASK: _bitmask,
    ControlKind.POLYGON: _polygon,
    ControlKind.VECTOR: _vector,
    ControlKind.RECTANGLE: _rectangle,
    ControlKind.ELLIPSE: _ellipse,
    ControlKind.KEYPOINT: _keypoint,
}
