"""What the live tests put into Label Studio, and how they read what it stored."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from label_studio_sdk.converter.brush import decode_rle
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from scripts.label_studio_rest import LabelStudioRest
from tests.live.pictures import LivePicture, Mask

LABEL = "Object"
CHECK = "Check here"
SCRIBBLES = Path(__file__).resolve().parents[2] / "scripts" / "templates" / "scribbles.xml"
_CONTROLS = {
    "brush": "BrushLabels",
    "bitmask": "BitmaskLabels",
    "polygon": "PolygonLabels",
    "vector": "VectorLabels",
    "ellipse": "EllipseLabels",
    "rectangle": "RectangleLabels",
}


def config_for(kind: str) -> str:
    """A labelling config with one output control, called "out" and red, and blue smart points and boxes.

    Args:
        kind: brush, bitmask, polygon, vector, ellipse or rectangle; or scribbles, which is the template.
    """
    if kind == "scribbles":
        return SCRIBBLES.read_text(encoding="utf-8")
    out, prompt = (f'<Label value="{LABEL}" background="{colour}"/>' for colour in ("#ff0000", "#0000ff"))
    closable = ' closable="true"' if kind == "vector" else ""
    return f"""<View>
  <Image name="image" value="$image" zoom="true" zoomControl="true" rotateControl="true"/>
  <{_CONTROLS[kind]} name="out" toName="image" smart="false"{closable}>{out}</{_CONTROLS[kind]}>
  <KeyPointLabels name="point" toName="image" smart="true">{prompt}</KeyPointLabels>
  <RectangleLabels name="box" toName="image" smart="true">{prompt}</RectangleLabels>
</View>"""


def with_error_areas(config: str) -> str:
    """The config with a control that shows where pre-labels are probably wrong."""
    control = (
        '<PolygonLabels name="check" toName="image" smart="false" opacity="0.1" model_error_areas="true">'
        f'<Label value="{CHECK}" background="#ffbf00"/></PolygonLabels>'
    )
    return config.replace("</View>", f"{control}</View>")


@dataclass(frozen=True)
class LiveTask:
    """A task in a connected project.

    Attributes:
        project: Number of the project.
        task: Number of the task.
        picture: What it shows.
    """

    project: int
    task: int
    picture: LivePicture


def stored_regions(rest: LabelStudioRest, task: LiveTask) -> list[dict[str, Any]]:
    """The regions of the task's only annotation."""
    (annotation,) = rest.call("GET", f"/api/tasks/{task.task}/annotations")
    return list(annotation["result"])


def region_mask(region: dict[str, Any]) -> Mask:
    """The pixels of a region, (H, W), read by the SDK and Pillow rather than by the product."""
    size_hw = region["original_height"], region["original_width"]
    return _READERS[region["type"].removesuffix("labels")](region["value"], size_hw)


def _brush(value: dict[str, Any], size_hw: tuple[int, int]) -> Mask:
    inside: Mask = decode_rle(value["rle"]).reshape(*size_hw, 4)[..., 3] > 0
    return inside


def _bitmask(value: dict[str, Any], size_hw: tuple[int, int]) -> Mask:
    encoded = value["imageDataURL"].removeprefix("data:image/png;base64,")
    alpha: Mask = np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGBA"))[..., 3] > 0
    if alpha.shape != size_hw:
        raise AssertionError(f"the bitmask has {alpha.shape} pixels instead of {size_hw}")
    return alpha


def _polygon(value: dict[str, Any], size_hw: tuple[int, int]) -> Mask:
    return _filled(np.asarray(value["points"]), size_hw)


def _vector(value: dict[str, Any], size_hw: tuple[int, int]) -> Mask:
    if not value["closed"]:
        raise AssertionError("the vector is not closed")
    return _filled(np.asarray([(vertex["x"], vertex["y"]) for vertex in value["vertices"]]), size_hw)


def _rectangle(value: dict[str, Any], size_hw: tuple[int, int]) -> Mask:
    corners = np.array([(0, 0), (1, 0), (1, 1), (0, 1)]) * (value["width"], value["height"])
    return _turned(corners, (value["x"], value["y"]), value["rotation"], size_hw)


def _ellipse(value: dict[str, Any], size_hw: tuple[int, int]) -> Mask:
    angles = np.linspace(0, 2 * np.pi, 200)
    outline = np.stack([np.cos(angles) * value["radiusX"], np.sin(angles) * value["radiusY"]], axis=1)
    return _turned(outline, (value["x"], value["y"]), value["rotation"], size_hw)


def _turned(
    points_xy: NDArray[np.float64], origin_xy: tuple[float, float], degrees: float, size_hw: tuple[int, int]
) -> Mask:
    """Fill an outline in percent around an origin; the turn is clockwise and happens in pixels."""
    height, width = size_hw
    scale = np.array([width, height]) / 100
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return _filled((points_xy * scale @ turn) / scale + origin_xy, size_hw)


def _filled(points_xy: NDArray[np.float64], size_hw: tuple[int, int]) -> Mask:
    """Fill an outline in percent of the picture."""
    height, width = size_hw
    pixels = points_xy * (width, height) / 100 - 0.5  # Pillow counts from the first pixel's centre
    canvas = Image.new("1", (width, height))
    ImageDraw.Draw(canvas).polygon([(x, y) for x, y in pixels], fill=1)
    return np.asarray(canvas)


_READERS: dict[str, Callable[[dict[str, Any], tuple[int, int]], Mask]] = {
    "brush": _brush,
    "bitmask": _bitmask,
    "polygon": _polygon,
    "vector": _vector,
    "rectangle": _rectangle,
    "ellipse": _ellipse,
}


def iou(one: Mask, other: Mask) -> float:
    """Intersection over union of two masks that are not both empty."""
    return float((one & other).sum() / (one | other).sum())
