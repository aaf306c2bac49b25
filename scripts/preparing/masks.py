"""Annotations as masks on the grid of the original: each pixel of the original has its number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.labelstudio.annotations import AnnotatedRegion, decode_annotation
from backend.labelstudio.controls import PROMPT_KINDS, Control
from backend.labelstudio.label_config import LabelConfig
from backend.labelstudio.region_values import REGION_KINDS
from backend.labelstudio.submissions import AnnotatedTask, Submitted
from models.orientations import ORIENTATIONS, UPRIGHT, turned_back
from scripts.errors import PrepareError
from scripts.preparing.places import named_by_address

UNLABELLED = "(no label)"
_MOST_NUMBERS = 65535


@dataclass(frozen=True, eq=False)
class NumberedMask:
    """What somebody drew on a picture.

    Attributes:
        name: What its file is called, without an ending.
        numbers: (H, W) on the grid of the original, as it is stored; 0 where nothing was drawn.
        labels: What the numbers mean.
    """

    name: str
    numbers: NDArray[np.uint16]
    labels: Mapping[int, str]


class MaskMaker:
    """Makes masks of the annotations of one project. Used by one thread.

    Args:
        config: The project's labelling config.
        objects: Whether each object has a number of its own, in the order in which they were drawn; else each
            label has one, in the order of the config, and later objects cover earlier ones.
    """

    def __init__(self, config: LabelConfig, *, objects: bool) -> None:
        self._config = config
        self._objects = objects
        drawing = [control for control in config.controls if _draws(control)]
        self._drawing = {(control.name, control.to_name) for control in drawing}
        self._pictures = tuple(dict.fromkeys(control.to_name for control in drawing))
        self.classes: dict[str, int] = {}
        for control in drawing:
            for label in control.label_values:
                self._class_number(label)

    def masks(self, task: AnnotatedTask) -> Iterator[NumberedMask]:
        """The masks of a task's pictures; of several annotations the ground truth counts, else the newest.

        Raises:
            PrepareError: Something of the annotation cannot be read, or the picture's size is not known.
        """
        submitted = [each for each in task.annotations if not each.cancelled]
        if not submitted:
            return
        chosen = next((each for each in reversed(submitted) if each.ground_truth), submitted[-1])
        regions = self._regions(chosen)
        for to_name in self._pictures:
            drawn = [region for region in regions if region.to_name == to_name]
            yield self._mask(task, to_name, drawn)

    def _regions(self, submitted: Submitted) -> list[AnnotatedRegion]:
        decoded = decode_annotation(submitted.result, self._config.controls)
        if len(decoded.problems) > decoded.n_empty:
            raise PrepareError(f"Annotation {submitted.id} cannot be read: {decoded.problems[0]}")
        return [each for each in decoded.regions if (each.control_name, each.to_name) in self._drawing]

    def _mask(self, task: AnnotatedTask, to_name: str, drawn: list[AnnotatedRegion]) -> NumberedMask:
        numbers = np.zeros(_size_hw(task, drawn), dtype=np.uint16)
        labels: dict[int, str] = {}
        for order, region in enumerate(drawn, start=1):
            label = region.labels[0] if region.labels else UNLABELLED
            number = order if self._objects else self._class_number(label)
            if number > _MOST_NUMBERS:
                raise PrepareError(f"There are more than {_MOST_NUMBERS} numbers.")
            labels[number] = label
            top, left, bottom, right = region.region.box
            numbers[top:bottom, left:right][region.region.mask] = number
        name = _name(task)
        if len(self._pictures) > 1:
            name = f"{name}.{to_name}"
        stored = np.ascontiguousarray(turned_back(numbers, _orientation(task.data)))
        return NumberedMask(name, stored, labels)

    def _class_number(self, label: str) -> int:
        return self.classes.setdefault(label, len(self.classes) + 1)


def _draws(control: Control) -> bool:
    """Whether people draw objects with it; the model may be told to leave it alone."""
    only_asks = control.hint is not None or (control.kind in PROMPT_KINDS and control.smart is True)
    return control.kind in REGION_KINDS and not (control.shows_error_areas or only_asks)


def _name(task: AnnotatedTask) -> str:
    original = task.data.get("original")
    name = named_by_address(original) if isinstance(original, str) else ""
    return name or f"task-{task.id}"


def _orientation(data: Mapping[str, Any]) -> int:
    orientation = data.get("orientation")
    return orientation if type(orientation) is int and orientation in ORIENTATIONS else UPRIGHT


def _size_hw(task: AnnotatedTask, drawn: list[AnnotatedRegion]) -> tuple[int, int]:
    """Height and width as annotators saw the picture, from what they drew; without that from the task."""
    sizes = {region.size_hw for region in drawn}
    said = tuple(task.data.get(side) for side in ("height", "width"))
    if all(type(side) is int and side > 0 for side in said):
        sizes.add((int(said[0] or 0), int(said[1] or 0)))
    if len(sizes) > 1:
        raise PrepareError(f"The picture has several sizes (height, width): {sorted(sizes)}.")
    if not sizes:
        raise PrepareError("Nothing was drawn, and the task does not say the picture's height and width.")
    return sizes.pop()
