"""The demo's self-check: one pre-label and one click through Label Studio's API, decoded and compared."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from backend.labelstudio.rle import decode
from models.arrays import Mask
from scripts.demo_project import DemoProject
from scripts.label_studio_rest import LabelStudioRest

# A coin of `skimage.data.coins`, the first task: the second of the upper row.
_COIN_ROW, _COIN_COLUMN = 57, 100
_COINS_SIZE_HW = (303, 384)


@dataclass(frozen=True)
class CheckResult:
    """One line of the table.

    Attributes:
        name: What was tried.
        passed: Whether the answer was right.
        detail: What came back.
        seconds: How long it took.
    """

    name: str
    passed: bool
    detail: str
    seconds: float


def run_checks(rest: LabelStudioRest, project: DemoProject) -> list[CheckResult]:
    """Try a pre-label and a smart click on the picture of coins.

    Args:
        rest: Label Studio, with the service connected to the project.
        project: The demo's project.

    Raises:
        LabelStudioError: Label Studio refused or failed a call.
    """
    return [
        _timed("Pre-label", lambda: _check_prelabel(rest, project)),
        _timed("Smart click", lambda: _check_click(rest, project)),
    ]


def _timed(name: str, check: Callable[[], tuple[bool, str]]) -> CheckResult:
    started = time.monotonic()
    passed, detail = check()
    return CheckResult(name, passed, detail, time.monotonic() - started)


def _check_prelabel(rest: LabelStudioRest, project: DemoProject) -> tuple[bool, str]:
    predictions = rest.task(project.tasks[0])["predictions"]
    if not predictions:
        return False, "Label Studio holds no prediction; see the service's log"
    masks = decoded_masks(predictions[-1]["result"])
    share = sum(mask.mean() for mask in masks)
    # 24 coins cover a third of the picture; the bounds leave room for other pre-labellers.
    passed = len(masks) >= 1 and 0.1 < share < 0.7 and all(mask.any() for mask in masks)
    return passed, f"{len(masks)} objects on {share:.0%} of the picture"


def _check_click(rest: LabelStudioRest, project: DemoProject) -> tuple[bool, str]:
    (model,) = rest.models(project.id)
    answer = rest.smart_click(model["id"], project.tasks[0], [_point(_COIN_ROW, _COIN_COLUMN)])
    masks = decoded_masks(answer.get("data", {}).get("result", []))
    if len(masks) != 1:
        return False, f"{len(masks)} masks instead of one; errors: {answer.get('errors', 'none')}"
    (mask,) = masks
    passed = bool(mask[_COIN_ROW, _COIN_COLUMN]) and 0.001 < mask.mean() < 0.2
    return passed, f"a mask of {int(mask.sum())} pixels"


def decoded_masks(result: list[dict[str, Any]]) -> list[Mask]:
    """The masks of all brush regions of a result, (H, W) each."""
    return [
        decode(region["value"]["rle"], (region["original_height"], region["original_width"]))
        for region in result
        if region["type"] == "brushlabels"
    ]


def _point(row: int, column: int) -> dict[str, Any]:
    """A smart point on a pixel of the coins, as the editor sends it for the demo's labelling config."""
    height, width = _COINS_SIZE_HW
    return {
        "id": "check",
        "type": "keypointlabels",
        "from_name": "clicks",
        "to_name": "image",
        "origin": "manual",
        "original_width": width,
        "original_height": height,
        "image_rotation": 0,
        "is_positive": True,
        "value": {
            "x": (column + 0.5) / width * 100,
            "y": (row + 0.5) / height * 100,
            "width": 0.5,
            "keypointlabels": ["Object"],
        },
    }
