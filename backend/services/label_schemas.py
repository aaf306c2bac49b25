"""What a model of a project learns to say, from the project's labelling config.

The names agree with where pre-labels go: a class is the label that `LabelConfig.prelabel_targets` finds for
it again, a question is the control that `LabelConfig.choices_for` answers.
"""

from __future__ import annotations

from backend.labelstudio.controls import Control
from backend.labelstudio.label_config import LabelConfig
from models.label_schema import LabelSchema, Question

UNLABELLED = "object"
"""The class of what is drawn with controls that have no labels."""


def label_schema(config: LabelConfig) -> LabelSchema:
    """Classes and questions of all the project's pictures, in document order.

    Classes are the labels of the controls that receive shapes of objects: neither prompts, nor key points,
    nor what is left to people. Labels that only task data names are unknown here, so nobody learns them.
    """
    classes: dict[str, None] = {}
    questions: dict[str, Question] = {}
    for to_name in config.images:
        for control in config.mask_controls(to_name):
            classes |= dict.fromkeys(_classes(control))
        for control in config.questions(to_name):
            if control.labels:
                questions.setdefault(control.name, _question(control))
    return LabelSchema(tuple(classes), tuple(questions.values()))


def class_of(control: Control, labels: tuple[str, ...]) -> str | None:
    """The class of an object that somebody drew.

    Args:
        control: What it was drawn with, one of `LabelConfig.mask_controls`.
        labels: Its labels; of several the first that is a class counts.

    Returns:
        One of the schema's classes; None if it has no label although it should, or one that is no longer in
        the config.
    """
    classes = _classes(control)
    named = next((label for label in labels if label in classes), None)
    if named is not None or labels:
        return named
    return classes[0] if len(classes) == 1 and not control.dynamic_labels else None


def _classes(control: Control) -> tuple[str, ...]:
    if control.labels or control.dynamic_labels:
        return control.label_values
    return (UNLABELLED,)


def _question(control: Control) -> Question:
    return Question(control.name, tuple(dict.fromkeys(control.label_values)), control.takes_several)
