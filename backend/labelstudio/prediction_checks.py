"""What would go wrong with a prediction after it is imported, found before.

A bulk import leaves out what Label Studio's own check refuses, without an error, and stores whatever else can
make a task impossible to open or a mask impossible to submit.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from label_studio_sdk.label_interface import interface

from backend.labelstudio.answers import Answer

_CHANNELS = 4


class PredictionChecks:
    """Checks predictions for one labelling config. Used by one thread at a time.

    Args:
        label_config: XML.
    """

    def __init__(self, label_config: str) -> None:
        self._interface: Any = interface.LabelInterface(label_config)  # carries no type information

    def problems(self, answer: Answer) -> list[str]:
        """What is wrong, one sentence each; empty if it can be imported.

        Controls, labels, types and values are checked by the SDK, as Label Studio does it; sizes and scores
        here.
        """
        found = [str(error) for error in self._interface.validate_prediction(answer.to_json(), True)]
        sizes: dict[str, tuple[int, int]] = {}
        for number, item in enumerate(answer.result):
            found += [f"Region {number}: {problem}" for problem in _problems(item, sizes)]
        return found


def _problems(item: Mapping[str, Any], sizes: dict[str, tuple[int, int]]) -> Iterator[str]:
    score = item.get("score", 0.0)
    if not (_is_number(score) and 0 <= score <= 1):
        yield f"the score {score!r} is not in [0, 1]"
    if "original_width" not in item and "original_height" not in item:
        return  # a statement about the whole picture
    height, width = item.get("original_height"), item.get("original_width")
    if type(height) is not int or type(width) is not int or min(height, width) < 1:
        yield f"{width} x {height} pixels are no picture"
        return
    if sizes.setdefault(str(item.get("to_name")), (height, width)) != (height, width):
        yield f"the picture has {width} x {height} pixels here and another size in other regions"
    rle = item.get("value", {}).get("rle")
    if rle is not None and int.from_bytes(bytes(rle[:4]), "big") != height * width * _CHANNELS:
        yield f"the mask has not {width} x {height} pixels as the picture"


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
