"""From an annotation to the same annotation with cleaner masks, as a prediction that people review."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backend.errors import RequestError
from backend.labelstudio.annotations import AnnotatedRegion, decode_annotation, item_text
from backend.labelstudio.answers import Answer
from backend.labelstudio.controls import Control, ControlKind
from backend.labelstudio.label_config import LabelConfig
from backend.labelstudio.results import ResultOptions, encode_region
from backend.labelstudio.submissions import AnnotatedTask, Submitted
from backend.labelstudio.task_reports import imported_data
from backend.services.region_cleaning import CleanedRegion, StepChange, clean_regions, largest_change
from models.arrays import Image
from models.postprocess.base import PostProcessor

LoadImage = Callable[[AnnotatedTask, str], Image]
"""From a task and the name of an `<Image>` to its picture."""

_MASKS = frozenset({ControlKind.BRUSH, ControlKind.BITMASK, ControlKind.POLYGON, ControlKind.VECTOR})
_SHOWN = 200
"""Characters of a problem."""

Json = dict[str, Any]


@dataclass(frozen=True)
class Cleaned:
    """What cleaning an annotation gave.

    Attributes:
        answer: The cleaned annotation; None if nothing changed that is worth a look.
        change: The largest 1 - IoU of an object with what became of it, in [0, 1].
        steps: What each step did.
    """

    answer: Answer | None
    change: float
    steps: tuple[StepChange, ...]


class AnnotationCleaning:
    """Cleans annotations with one labelling config. Safe between threads if `load_image` is.

    What is no mask, such as boxes, ellipses and choices, is passed on as it is, and so are masks that do not
    change. Regions that change keep their id, control, and labels.

    Args:
        config: The labelling config.
        chain: The steps.
        load_image: Called only if a step looks at pictures.
        version: Of the predictions.
        least_change: Annotations of which no object changed by more, as 1 - IoU, are left alone.
        options: How regions are written.
    """

    def __init__(
        self,
        config: LabelConfig,
        chain: Sequence[PostProcessor],
        load_image: LoadImage,
        *,
        version: str,
        least_change: float,
        options: ResultOptions,
    ) -> None:
        self._config = config
        self._chain = chain
        self._load_image = load_image
        self._version = version
        self._least_change = least_change
        self._options = options

    def clean(self, task: AnnotatedTask) -> Cleaned:
        """Clean the annotation of a task that counts, see `counting_annotation`.

        Raises:
            RequestError: A region of it cannot be read.
            MaskloopError: The picture is needed and cannot be had.
        """
        annotation = counting_annotation(task)
        if annotation is None:
            return Cleaned(None, 0.0, ())
        decoded = decode_annotation(annotation.result, self._config.controls)
        if len(decoded.problems) > decoded.n_empty:
            raise RequestError(f"Annotation {annotation.id}: {'; '.join(decoded.problems)[:_SHOWN]}")
        masks = [region for region in decoded.regions if region.id and self._is_mask(region)]
        written: dict[str, list[Json]] = {}
        change, steps = 0.0, []
        for to_name in dict.fromkeys(region.to_name for region in masks):
            drawn = [region for region in masks if region.to_name == to_name]
            regions = [region.region for region in drawn]
            cleaned, changes = clean_regions(regions, self._image(task, drawn), self._chain)
            change = max(change, largest_change(regions, cleaned))
            steps += changes
            written |= self._written(drawn, cleaned)
        if change <= self._least_change:
            return Cleaned(None, change, tuple(steps))
        result = _replaced(annotation.result, {region.id for region in decoded.regions}, written)
        return Cleaned(Answer(result, 1 - change, self._version), change, tuple(steps))

    def _is_mask(self, region: AnnotatedRegion) -> bool:
        control = self._control(region)
        return control.kind in _MASKS and not control.shows_error_areas

    def _control(self, region: AnnotatedRegion) -> Control:
        control = self._config.control(region.control_name, region.to_name)
        if control is None:
            raise RequestError(f"The labelling config has no control {region.control_name!r}.")
        return control

    def _image(self, task: AnnotatedTask, drawn: Sequence[AnnotatedRegion]) -> Image:
        """The picture, or, if nobody looks at it, a black one of its size."""
        size_hw = drawn[0].size_hw
        if any(region.size_hw != size_hw for region in drawn):
            raise RequestError("The regions were drawn on pictures of different sizes.")
        if not any(step.looks_at_picture for step in self._chain):
            return np.broadcast_to(np.uint8(0), (*size_hw, 3))
        image = self._load_image(task, drawn[0].to_name)
        if image.shape[:2] != size_hw:
            raise RequestError(
                f"The regions were drawn on {size_hw[1]} x {size_hw[0]} pixels, but the picture has "
                f"{image.shape[1]} x {image.shape[0]}."
            )
        return image

    def _written(
        self, drawn: Sequence[AnnotatedRegion], cleaned: Sequence[CleanedRegion]
    ) -> dict[str, list[Json]]:
        """New items by the id of the region that they replace; nothing for regions that stay as they are."""
        written: dict[str, list[Json]] = {}
        for place, region in enumerate(drawn):
            heirs = [each for each in cleaned if each.source == place]
            if len(heirs) == 1 and heirs[0].region.same_pixels(region.region):
                continue
            written[region.id] = []
            for number, heir in enumerate(heirs):
                written[region.id] += self._encoded(region, heir, region.id if number == 0 else None)
        return written

    def _encoded(self, drawn: AnnotatedRegion, heir: CleanedRegion, region_id: str | None) -> list[Json]:
        control = self._control(drawn)
        label = drawn.labels[0] if drawn.labels else None
        items = encode_region(
            heir.region, control, label, drawn.size_hw, region_id=region_id, options=self._options
        )
        for item in items:
            item["meta"] = {"text": ["; ".join(heir.notes)]}  # the editor shows several without a gap
            if drawn.labels[1:] and item["type"] in item["value"]:
                item["value"][item["type"]] = list(drawn.labels)
        return items


def counting_annotation(task: AnnotatedTask) -> Submitted | None:
    """The annotation to clean: the newest that is marked as ground truth, else the newest; no skips."""
    submitted = [each for each in task.annotations if not each.cancelled]
    return max(submitted, key=lambda each: (each.ground_truth, each.updated_at, each.id), default=None)


def annotation_digest(task: AnnotatedTask) -> str:
    """Changes with what the result of cleaning a task depends on."""
    annotation = counting_annotation(task)
    content = None if annotation is None else list(annotation.result)
    text = json.dumps([imported_data(task.data), content], sort_keys=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:16]


def _replaced(result: Sequence[Any], read: set[str], written: Mapping[str, Sequence[Json]]) -> list[Json]:
    """The items of an annotation with those of some regions in place of their old ones.

    Regions that were not read, such as prompts that were left behind, are left out.
    """
    items: list[Json] = []
    done: set[str] = set()
    for item in result:
        number = item_text(item, "id")
        if number in written:
            items += () if number in done else written[number]
            done.add(number)
        elif number in read or item.get("type") == "choices":
            items.append(item)
    return items
