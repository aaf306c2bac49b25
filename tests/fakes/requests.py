"""Requests as Label Studio sends them, and pictures to send them about."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

CONFIG = """<View>
  <Image name="image" value="$image"/>
  <BrushLabels name="brush" toName="image" smart="false"><Label value="Coin"/></BrushLabels>
  <KeyPointLabels name="point" toName="image" smart="true"><Label value="Coin"/></KeyPointLabels>
  <RectangleLabels name="box" toName="image" smart="true"><Label value="Coin"/></RectangleLabels>
</View>"""

COIN_CENTRES = ((150, 200), (150, 600), (450, 400))
"""(row, column) of the discs in a 600 x 800 coins picture; their radius is 70 pixels."""
COIN_RADIUS = 70


def coins_picture(height: int, width: int, *, seed: int = 0) -> NDArray[np.uint8]:
    """Three bright discs on a dark, slightly noisy ground, (height, width, 3)."""
    picture = np.full((height, width, 3), 40, np.uint8)
    for row, column in COIN_CENTRES:
        cv2.circle(picture, (column, row), COIN_RADIUS, (190, 200, 210), -1)
    noise = np.random.default_rng(seed).normal(0, 4, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def coin_mask(centre: tuple[int, int], height: int = 600, width: int = 800) -> NDArray[np.bool_]:
    """The exact disc around one of the centres."""
    rows, columns = np.ogrid[:height, :width]
    return np.asarray((rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 <= COIN_RADIUS**2)


def task(image: str = "/data/local-files/?d=imgs/img0.png", *, number: int = 1) -> dict[str, Any]:
    return {"id": number, "project": 2, "data": {"image": image}, "meta": {}, "annotations": []}


def point(
    row: float, column: float, *, positive: bool = True, size_hw: tuple[int, int] = (600, 800)
) -> dict[str, Any]:
    """A smart click as the editor sends it, on the pixel (row, column)."""
    return {
        "id": f"p{row:g}x{column:g}",
        "type": "keypointlabels",
        "from_name": "point",
        "to_name": "image",
        "origin": "manual",
        "original_width": size_hw[1],
        "original_height": size_hw[0],
        "image_rotation": 0,
        "is_positive": positive,
        "value": {
            "x": (column + 0.5) / size_hw[1] * 100,
            "y": (row + 0.5) / size_hw[0] * 100,
            "width": 0.23,
            "keypointlabels": ["Coin"],
            "labels": ["Coin"],
        },
    }


def box(
    top: float, left: float, bottom: float, right: float, *, size_hw: tuple[int, int] = (600, 800)
) -> dict[str, Any]:
    """A smart rectangle as the editor sends it; edges in pixels, the last two exclusive."""
    height, width = size_hw
    return {
        "id": f"b{top:g}x{left:g}",
        "type": "rectanglelabels",
        "from_name": "box",
        "to_name": "image",
        "origin": "manual",
        "original_width": width,
        "original_height": height,
        "image_rotation": 0,
        "value": {
            "x": left / width * 100,
            "y": top / height * 100,
            "width": (right - left) / width * 100,
            "height": (bottom - top) / height * 100,
            "rotation": 0,
            "rectanglelabels": ["Coin"],
        },
    }


def predict_body(
    *tasks: dict[str, Any], prompts: list[dict[str, Any]] | None = None, config: str = CONFIG
) -> dict[str, Any]:
    """A `/predict` body; with prompts it is a smart click."""
    return {
        "tasks": list(tasks) or [task()],
        "project": "2.1795219443",
        "label_config": config,
        "params": {
            "login": None,
            "password": None,
            "context": None if prompts is None else {"result": prompts},
        },
    }
