"""How well pre-labels agree with what people said."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.label_schema import LabelSchema, Question
from models.prelabel.base import PreLabels
from models.regions import Region
from models.training.examples import Example

_SAME_OBJECT = 0.5


def prelabel_scores(
    found: PreLabels, example: Example, schema: LabelSchema, size_hw: tuple[int, int]
) -> dict[str, float]:
    """All figures that apply to an example, each in [0, 1], higher is better.

    Args:
        found: The pre-labels.
        example: The truth.
        schema: The classes that count; objects of others are left out on both sides.
        size_hw: Height and width of the picture.

    Returns:
        "dice", "iou" (means over the classes on either side, 1 without any) and "ap50" if people marked
        objects, "accuracy" if they answered questions.
    """
    scores = {}
    if example.regions is not None and schema.classes:
        dices = class_dices(found.regions, example.regions, schema.classes, size_hw)
        scores["dice"] = _mean(dices)
        scores["iou"] = _mean([value / (2 - value) for value in dices])
        scores["ap50"] = average_precision(found.regions, example.regions, schema.classes)
    asked = [question for question in schema.questions if question.name in example.answers]
    if asked:
        right = [_chosen(found, question) == set(example.answers[question.name]) for question in asked]
        scores["accuracy"] = float(np.mean(right))
    return scores


def overall(scores: dict[str, float]) -> float:
    """One figure for an example: the Dice coefficient and the accuracy count alike."""
    parts = [scores[name] for name in ("dice", "accuracy") if name in scores]
    return float(np.mean(parts)) if parts else 0.0


def class_dices(
    found: Sequence[Region], truth: Sequence[Region], classes: Sequence[str], size_hw: tuple[int, int]
) -> list[float]:
    """The Dice coefficient of all pixels of each class that is on either side, in their order."""
    ours, theirs = (class_map(regions, classes, size_hw) for regions in (found, truth))
    values = []
    for number in range(1, len(classes) + 1):
        own, wanted = ours == number, theirs == number
        total = np.count_nonzero(own) + np.count_nonzero(wanted)
        if total:
            values.append(2 * np.count_nonzero(own & wanted) / total)
    return values


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else 1.0


def average_precision(
    found: Sequence[Region], truth: Sequence[Region], classes: Sequence[str], min_iou: float = _SAME_OBJECT
) -> float:
    """Objects found once and rightly, of all that were found or should have been; 1 if there are none.

    An object is found if a region of its class overlaps it with an IoU above the threshold; above 0.5 there
    can be only one.

    Source: the metric of the 2018 Data Science Bowl (Caicedo et al., "Nucleus segmentation across imaging
    experiments", Nature Methods 16, 2019) at one threshold: TP / (TP + FP + FN).
    """
    ours, theirs = ([r for r in regions if r.class_name in classes] for regions in (found, truth))
    if not ours and not theirs:
        return 1.0
    left = list(theirs)
    matched = 0
    for region in ours:
        match = next((t for t in left if t.class_name == region.class_name and region.iou(t) > min_iou), None)
        if match is not None:
            left.remove(match)
            matched += 1
    return matched / (len(ours) + len(theirs) - matched)


def class_map(
    regions: Sequence[Region], classes: Sequence[str], size_hw: tuple[int, int]
) -> NDArray[np.uint8]:
    """Class of each pixel, (H, W), smaller objects in front, as in training."""
    numbers = {name: number for number, name in enumerate(classes, start=1)}
    painted = np.zeros(size_hw, dtype=np.uint8)
    for region in sorted(regions, key=lambda each: each.area, reverse=True):
        if region.class_name in numbers:
            region.paint(painted, numbers[region.class_name])
    return painted


def _chosen(found: PreLabels, question: Question) -> set[str]:
    scores = {
        item.class_name: item.score for item in found.image_classes if item.question in ("", question.name)
    }
    known = {answer: scores[answer] for answer in question.answers if answer in scores}
    if question.multiple:
        return {answer for answer, score in known.items() if score >= 0.5}
    return {max(known, key=known.__getitem__)} if known else set()
