"""Bodies that Label Studio sends for one picture with one label, and the mask in the answer."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from backend.labelstudio import rle
from backend.labelstudio.label_config import LabelConfig
from backend.labelstudio.results import encode_region
from models.arrays import Mask
from models.prompts import Click
from models.regions import Region

CONFIG = """<View><Image name="image" value="$image"/>
  <BrushLabels name="brush" toName="image" smart="false"><Label value="Object"/></BrushLabels>
  <KeyPointLabels name="point" toName="image" smart="true"><Label value="Object"/></KeyPointLabels></View>"""
_LABEL = "Object"


def task(number: int, address: str) -> dict[str, Any]:
    """A task with one picture.

    Args:
        number: Its id.
        address: Of the picture, as in the task's data.
    """
    return {"id": number, "project": 1, "data": {"image": address}}


def open_task(project: str, opened: dict[str, Any]) -> bytes:
    """The body of `/predict` when a task is opened.

    Args:
        project: "<id>.<created>".
        opened: The task.
    """
    return _predict(project, opened, None)


def smart_click(
    project: str, clicked: dict[str, Any], clicks: Iterable[Click], size_hw: tuple[int, int]
) -> bytes:
    """The body of `/predict` for a smart click.

    Args:
        project: "<id>.<created>".
        clicked: The task.
        clicks: All pending points, oldest first.
        size_hw: Height and width of the picture in pixels.
    """
    items = [key_point(click, size_hw, f"click-{number}") for number, click in enumerate(clicks)]
    return _predict(project, clicked, {"result": items})


def key_point(click: Click, size_hw: tuple[int, int], region_id: str) -> dict[str, Any]:
    """A point as the editor sends it."""
    height, width = size_hw
    return {
        "id": region_id,
        "type": "keypointlabels",
        "from_name": "point",
        "to_name": "image",
        "original_width": width,
        "original_height": height,
        "image_rotation": 0,
        "is_positive": click.positive,
        "value": {
            "x": (click.column + 0.5) / width * 100,
            "y": (click.row + 0.5) / height * 100,
            "width": 0.2,
            "keypointlabels": ["Object"],
        },
    }


def set_up(project: str, extra_params: Mapping[str, Any]) -> bytes:
    """The body of `/setup`.

    Args:
        project: "<id>.<created>".
        extra_params: What the project chose in the model's settings.
    """
    return _json({"project": project, "schema": CONFIG, "extra_params": dict(extra_params)})


def submission(answered: dict[str, Any], n_regions: int) -> bytes:
    """The body of `/webhook` when an annotation was submitted.

    Args:
        answered: The task.
        n_regions: Size of the annotation.
    """
    return annotated(answered, [key_point(Click(8, 8), (16, 16), "click")] * n_regions)


def annotated(answered: dict[str, Any], result: Sequence[Mapping[str, Any]]) -> bytes:
    """The body of `/webhook` when an annotation was submitted.

    Args:
        answered: The task; its annotation has the same number.
        result: Result items of the annotation.
    """
    return _json(
        {
            "action": "ANNOTATION_CREATED",
            "project": {"id": 1, "label_config": CONFIG},
            "task": answered,
            "annotation": {"id": answered["id"], "task": answered["id"], "result": list(result)},
        }
    )


def brushed(masks: Iterable[Mask]) -> list[dict[str, Any]]:
    """Result items of an annotation in which each object was painted with the brush.

    Args:
        masks: (H, W), all of one picture; one object each, empty ones are left out.
    """
    (brush,) = [control for control in LabelConfig.parse(CONFIG).controls if control.name == "brush"]
    result = []
    for mask in masks:
        region = Region.from_mask(mask, _LABEL)
        if region is not None:
            result += encode_region(region, brush, _LABEL, (mask.shape[0], mask.shape[1]))
    return result


def answered_mask(answer: bytes, size_hw: tuple[int, int]) -> Mask:
    """The mask in an answer of `/predict` to a smart click, (H, W); empty if it has no region.

    Args:
        answer: A body that came with status 200.
        size_hw: Height and width of the picture in pixels.

    Raises:
        RequestError: A brush region of it is malformed.
    """
    mask = np.zeros(size_hw, dtype=bool)
    for region in json.loads(answer)["results"][0]["result"]:
        mask |= rle.decode(region["value"]["rle"], size_hw)
    return mask


def _predict(project: str, one_task: dict[str, Any], context: dict[str, Any] | None) -> bytes:
    params = {"login": None, "password": None, "context": context}
    return _json({"tasks": [one_task], "project": project, "label_config": CONFIG, "params": params})


def _json(value: object) -> bytes:
    return json.dumps(value).encode()
