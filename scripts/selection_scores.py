"""What a simulated project asks, and how good its versions are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from models.label_schema import LabelSchema, Question
from models.prelabel.unet import UNet
from models.training.examples import Example
from models.training.prelabel_scores import class_map, prelabel_scores
from scripts.picture_sets import PictureSet

QUESTION = "content"
NOTHING = "nothing"


def question(classes: Sequence[str]) -> LabelSchema:
    """The schema of a project that only asks which class has most of the picture."""
    return LabelSchema((), (Question(QUESTION, (NOTHING, *classes)),))


def as_asked(example: Example, schema: LabelSchema) -> Example:
    """The example as a project of this schema knows it: with objects, or with the answer alone."""
    if schema.classes:
        return example
    areas: Counter[str] = Counter()
    for region in example.regions or ():
        areas[region.class_name] += region.area
    content = areas.most_common(1)[0][0] if areas else NOTHING
    return replace(example, regions=None, answers={QUESTION: (content,)})


def tested(model: UNet, pictures: PictureSet, stems: Sequence[str], schema: LabelSchema) -> dict[str, float]:
    """How good a version is on pictures that nobody may choose.

    Args:
        model: Loaded.
        pictures: Where they are.
        stems: Their names.
        schema: The classes, or the one question.

    Returns:
        For objects "dice", the mean over pictures, and "pooled_dice", that of all pixels together, the mean
        over the classes; for a question "accuracy" and "balanced_accuracy".
    """
    rows = []
    overlap, total = np.zeros(len(schema.classes)), np.zeros(len(schema.classes))
    by_answer: dict[str, list[float]] = {}
    for stem in stems:
        example = as_asked(pictures.example(stem), schema)
        image = example.load_image()
        size_hw = image.shape[0], image.shape[1]
        found = model.predict(image)
        rows.append(prelabel_scores(found, example, schema, size_hw))
        if example.regions is None:
            by_answer.setdefault(example.answers[QUESTION][0], []).append(rows[-1]["accuracy"])
            continue
        ours, theirs = (class_map(each, schema.classes, size_hw) for each in (found.regions, example.regions))
        for place in range(len(total)):
            overlap[place] += 2 * np.count_nonzero((ours == place + 1) & (theirs == place + 1))
            total[place] += np.count_nonzero(ours == place + 1) + np.count_nonzero(theirs == place + 1)
    if by_answer:
        accuracy = float(np.mean([row["accuracy"] for row in rows]))
        balanced = float(np.mean([np.mean(values) for values in by_answer.values()]))
        return {"accuracy": round(accuracy, 4), "balanced_accuracy": round(balanced, 4)}
    there = total > 0
    return {
        "dice": round(float(np.mean([row["dice"] for row in rows])), 4),
        "pooled_dice": round(float((overlap[there] / total[there]).mean()), 4),
    }
