"""How far a prediction agrees with what a person made of it, picture by picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backend.labelstudio.label_config import LabelConfig
from backend.labelstudio.submissions import annotated_task
from backend.services.annotated_pictures import AnnotatedPicture, Opinion, PictureReader
from backend.services.label_schemas import label_schema
from models.regions import Region
from models.training.prelabel_scores import class_dices


@dataclass(frozen=True)
class TaskAgreement:
    """How far a prediction and an annotation of a task agree.

    Attributes:
        dice: Mean Dice coefficient over the classes on either side and the pictures, 1 where both hold no
            object; None if nobody was asked for objects.
        iou: The same for the intersection over union.
        object_ious: Of each object on either side with the one that it was matched with, 0 without one.
        right: By the name of a question, whether the answers are the same.
    """

    dice: float | None
    iou: float | None
    object_ious: tuple[float, ...]
    right: Mapping[str, bool]


class Agreement:
    """Compares results of one project. Used by one thread.

    Args:
        config: The project's labelling config.
    """

    def __init__(self, config: LabelConfig) -> None:
        self._config = config
        self._schema = label_schema(config)
        self._reader = PictureReader(config, self._schema, Counter())

    def of_task(self, predicted: Sequence[Any], annotated: Sequence[Any]) -> TaskAgreement | None:
        """Compare two lists of result items.

        Args:
            predicted: Of the prediction.
            annotated: Of the annotation.

        Returns:
            None if one of them cannot be read, or says nothing.
        """
        before, after = (self._pictures(result) for result in (predicted, annotated))
        dices: list[float] = []
        ious: list[float] = []
        objects: list[float] = []
        right: dict[str, bool] = {}
        for to_name in self._config.images:
            if to_name not in before or to_name not in after:
                continue
            (theirs, ours), size_hw = _opinions(before[to_name], after[to_name])
            if theirs.objects is not None and ours.objects is not None:
                found, truth = ([each.region for each in side.objects or ()] for side in (theirs, ours))
                values = class_dices(found, truth, self._schema.classes, size_hw) if size_hw else []
                dices.append(float(np.mean(values)) if values else 1.0)
                ious.append(float(np.mean([value / (2 - value) for value in values])) if values else 1.0)
                objects += matched_ious(found, truth)
            for name in theirs.answers.keys() | ours.answers.keys():
                same = set(theirs.answers.get(name, ())) == set(ours.answers.get(name, ()))
                right[name] = right.get(name, True) and same
        if not (dices or right):
            return None
        return TaskAgreement(
            float(np.mean(dices)) if dices else None,
            float(np.mean(ious)) if ious else None,
            tuple(objects),
            right,
        )

    def _pictures(self, result: Sequence[Any]) -> dict[str, AnnotatedPicture]:
        task = annotated_task(0, {}, [{"id": 0, "result": list(result)}])
        return {picture.to_name: picture for picture in self._reader.pictures(task)}


def matched_ious(found: Sequence[Region], truth: Sequence[Region]) -> list[float]:
    """The overlap of each object on either side with its partner, the best pairs of a class first.

    Args:
        found: Predicted objects.
        truth: Annotated objects.

    Returns:
        One value for each pair, and 0 for each object without a partner.
    """
    pairs = sorted(
        (
            (region.iou(other), number, place)
            for number, region in enumerate(found)
            for place, other in enumerate(truth)
            if region.class_name == other.class_name
        ),
        reverse=True,
    )
    taken_found: set[int] = set()
    taken_truth: set[int] = set()
    values = []
    for overlap, number, place in pairs:
        if overlap > 0 and number not in taken_found and place not in taken_truth:
            taken_found.add(number)
            taken_truth.add(place)
            values.append(overlap)
    return values + [0.0] * (len(found) + len(truth) - 2 * len(values))


def _opinions(
    before: AnnotatedPicture, after: AnnotatedPicture
) -> tuple[tuple[Opinion, Opinion], tuple[int, int] | None]:
    """What either side says, and the size of the picture; None if neither side drew anything."""
    return (before.opinions[0], after.opinions[0]), after.size_hw or before.size_hw
