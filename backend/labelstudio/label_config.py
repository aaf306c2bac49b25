"""What a labelling config offers: which pictures, which controls on them, which labels.

A config is XML. This module answers the questions the services ask of the part that has to do with
`<Image>`: which control receives an object of a class, which one a prompt came from.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from backend.errors import RequestError
from backend.labelstudio.controls import Control, ControlKind, Label
from backend.labelstudio.image_addresses import PictureAddress, ShownAndModels
from backend.labelstudio.label_config_xml import parse_xml, unusable
from models.prelabel.base import ImageClass

__all__ = ["ChoiceTarget", "Control", "ControlKind", "Label", "LabelConfig", "PrelabelTarget"]

_TIERS = {
    ControlKind.BRUSH: 0,
    ControlKind.BITMASK: 0,
    ControlKind.POLYGON: 0,
    ControlKind.VECTOR: 0,
    ControlKind.ELLIPSE: 1,
    ControlKind.RECTANGLE: 2,
    ControlKind.KEYPOINT: 3,
}
"""How much of a mask's shape is lost; within a tier the first tag of the document wins."""

_LIKELY = 0.5  # probability
_PATH_STEP = re.compile(r"[^.\[\]]+")


@dataclass(frozen=True)
class PrelabelTarget:
    """Where objects of one class go.

    Attributes:
        control: The control that receives them.
        label: Their label, None when the control has no labels.
        score_threshold: Objects with a lower score are left out, in [0, 1].
    """

    control: Control
    label: str | None
    score_threshold: float


@dataclass(frozen=True)
class ChoiceTarget:
    """What to choose for a picture.

    Attributes:
        control: The `<Choices>` tag.
        labels: The choices, in document order; one unless the tag allows several.
    """

    control: Control
    labels: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class LabelConfig:
    """The part of a labelling config that has to do with pictures. Immutable, shared by all threads.

    Attributes:
        images: Name of each `<Image>` that a control is for and the field of the task data with its address.
            Those that are only looked at, such as the plain picture beside the enhanced one, are not here.
        controls: Its controls in document order; one that draws on two pictures is here twice.
        ignored: A sentence for each tag that looks usable but is not.
        model_images: For some of `images` the field with the address of the picture that models look at
            instead, such as the original of an enhanced one.
    """

    images: Mapping[str, str]
    controls: tuple[Control, ...]
    ignored: tuple[str, ...] = ()
    model_images: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, xml: str) -> LabelConfig:
        """Read a labelling config; the same text gives the same object.

        Raises:
            LabelConfigError: It is not XML, too large, or has no picture or no control that this service
                can use. The message shows a config that works.
        """
        return _parse(xml)

    def control(self, name: str, to_name: str | None = None) -> Control | None:
        """The control of that name on that picture, or on any; None when there is none."""
        return next((c for c in self._by_name.get(name, ()) if to_name in (None, c.to_name)), None)

    def image_url(self, to_name: str, data: Mapping[str, Any]) -> PictureAddress:
        """Where the picture is, as the task says; unresolved. With another one for models if there is one.

        Args:
            to_name: One of `images`.
            data: The task's data.

        Raises:
            RequestError: The task has no text in that field.
        """
        key = self.images[to_name]
        shown = _text_at(data, key)
        if not shown:
            raise RequestError(f'The task has no picture for <Image name="{to_name}" value="${key}">.')
        for_models = _text_at(data, self.model_images.get(to_name, ""))
        return ShownAndModels(shown, for_models) if for_models else shown

    def output_control(self, to_name: str, label: str | None) -> Control | None:
        """The control that receives the mask of an object with that label on that picture.

        Controls that list the label come before those that take any; then those that keep more of the shape
        come first, then document order. Controls that only prompt and those with `model_skip` receive
        nothing, and a mask never becomes a key point.

        Args:
            to_name: Name of the picture.
            label: The object's label; None for an object without one.
        """
        outputs = self._mask_outputs(to_name)
        if label is None:
            return next(iter(outputs), None)
        with_label = [c for c in outputs if label in c.label_values]
        return next(iter(with_label + [c for c in outputs if c.has_open_labels]), None)

    def only_label(self, to_name: str) -> str | None:
        """The label that every object on that picture has when there is one to choose from, else None."""
        outputs = self._mask_outputs(to_name)
        labels = {value for control in outputs for value in control.label_values}
        if len(labels) != 1 or any(control.dynamic_labels for control in outputs):
            return None
        return labels.pop()

    def outputs(self, to_name: str) -> tuple[Control, ...]:
        """The controls that receive objects on that picture, the one that keeps most of the shape first."""
        return self._outputs.get(to_name, ())

    def label_for(self, control: Control, class_name: str) -> str | None:
        """The label that a model's class has on that control.

        That is the one whose `predicted_values` name the class, else the one called like it, else the only
        one that the control has, else None. Case does not matter.
        """
        only = control.labels[0].value if len(control.labels) == 1 else None
        return control.named_label(class_name) or only

    def prelabel_targets(self, to_name: str, classes: Sequence[str]) -> dict[str, PrelabelTarget]:
        """Where pre-labels of one picture go: one control per class, so that no object appears twice.

        A label that names the class wins over a control that takes any class (one label, or none at all);
        then the order of `output_control` decides. Key points are used only when no control for shapes fits.

        Args:
            to_name: Name of the picture.
            classes: Class names of the model's objects. Those with no place to go are missing in the answer.
        """
        shapes = self._mask_outputs(to_name)
        points = [c for c in self.outputs(to_name) if c.kind is ControlKind.KEYPOINT]
        targets = {}
        for class_name in classes:
            target = self._target(shapes, class_name) or self._target(points, class_name)
            if target is not None:
                targets[class_name] = target
        return targets

    def error_area_target(self, to_name: str) -> PrelabelTarget | None:
        """Where areas of a picture go in which its pre-labels are probably wrong: a control, its first label.

        Returns:
            The first control with `model_error_areas`; None if there is none.
        """
        controls = (c for c in self.controls if c.to_name == to_name and c.kind in _TIERS)
        control = next((c for c in controls if c.shows_error_areas and not c.model_skip), None)
        if control is None:
            return None
        return PrelabelTarget(control, next(iter(control.label_values), None), control.score_threshold)

    def choices_for(self, to_name: str, statements: Sequence[ImageClass]) -> tuple[ChoiceTarget, ...]:
        """What to choose for a picture.

        Only choices that name a class count (`predicted_values`, or an equal value): the only choice of a
        question need not be the answer. A statement about one question answers only the control of that
        name. A model states all answers of a question with their probabilities; where several may hold,
        the likely ones are chosen, from 0.5 on unless the control has a threshold of its own.

        Args:
            to_name: Name of the picture.
            statements: What the model says about the whole picture.
        """
        chosen = ((control, _chosen(control, statements)) for control in self.questions(to_name))
        return tuple(ChoiceTarget(control, labels) for control, labels in chosen if labels)

    def questions(self, to_name: str) -> tuple[Control, ...]:
        """The `<Choices>` about that picture as a whole, not about single regions, in document order."""
        return tuple(c for c in self.controls if c.to_name == to_name and _asks_about_image(c))

    def mask_controls(self, to_name: str) -> tuple[Control, ...]:
        """The controls that receive the shapes of objects on that picture, in document order."""
        outputs = self._mask_outputs(to_name)
        return tuple(control for control in self.controls if control in outputs)

    @cached_property
    def _by_name(self) -> Mapping[str, tuple[Control, ...]]:
        return _grouped(self.controls, "name")

    @cached_property
    def _outputs(self) -> Mapping[str, tuple[Control, ...]]:
        """Per picture the controls that receive objects, in the order of preference."""
        outputs = [c for c in self.controls if c.kind in _TIERS and c.takes_results]
        return _grouped(sorted(outputs, key=lambda c: _TIERS[c.kind]), "to_name")

    def _mask_outputs(self, to_name: str) -> list[Control]:
        return [c for c in self.outputs(to_name) if c.kind is not ControlKind.KEYPOINT]

    def _target(self, controls: Sequence[Control], class_name: str) -> PrelabelTarget | None:
        for control in controls:
            named = control.named_label(class_name)
            if named is not None:
                return PrelabelTarget(control, named, control.score_threshold)
        for control in controls:
            if len(control.labels) < 2:
                return PrelabelTarget(control, self.label_for(control, class_name), control.score_threshold)
        return None


@lru_cache(maxsize=32)  # a config has at most 1 MiB
def _parse(xml: str) -> LabelConfig:
    parsed = parse_xml(xml)
    reasons = "".join(f" {reason}" for reason in parsed.ignored[:3])
    if not parsed.images:
        raise unusable(f"The labelling config has no usable <Image>.{reasons}")
    if not any(_receives(control) for control in parsed.controls):
        raise unusable(
            "The labelling config has no control on a picture that can receive the model's results "
            '(smart="true" key points and rectangles only prompt, model_skip="true" leaves a tag to people).'
            + reasons
        )
    images = {
        name: field
        for name, field in parsed.images.items()
        if any(c.to_name == name for c in parsed.controls)
    }
    return LabelConfig(images, parsed.controls, parsed.ignored, parsed.model_images)


def _grouped(controls: Sequence[Control], attribute: str) -> dict[str, tuple[Control, ...]]:
    groups: dict[str, list[Control]] = {}
    for control in controls:
        groups.setdefault(getattr(control, attribute), []).append(control)
    return {key: tuple(group) for key, group in groups.items()}


def _text_at(data: Mapping[str, Any], key: str) -> str:
    """The text in a field of the task's data, "" if there is none."""
    value = data[key] if key in data else _at_path(data, key)
    return value if isinstance(value, str) else ""


def _at_path(data: Any, path: str) -> Any:
    """Follow `a.b` or `a[0].b` through objects and lists; None where it ends early."""
    for step in _PATH_STEP.findall(path):
        if isinstance(data, Mapping):
            data = data.get(step)
        elif isinstance(data, list) and len(step) < 10 and step.isdecimal() and int(step) < len(data):
            data = data[int(step)]
        else:
            return None
    return data


def _chosen(control: Control, statements: Sequence[ImageClass]) -> tuple[str, ...]:
    best: dict[str, float] = {}
    for statement in statements:
        if statement.question not in ("", control.name):
            continue
        least = control.score_threshold or (_LIKELY if control.takes_several and statement.question else 0.0)
        label = control.named_label(statement.class_name)
        if label is not None and statement.score >= least:
            best[label] = max(statement.score, best.get(label, 0.0))
    labels = tuple(label for label in control.label_values if label in best)
    if control.takes_several or not labels:
        return labels
    return (max(labels, key=best.__getitem__),)


def _receives(control: Control) -> bool:
    return _asks_about_image(control) if control.kind is ControlKind.CHOICES else control.takes_results


def _asks_about_image(control: Control) -> bool:
    per_part = {control.attributes.get("perregion"), control.attributes.get("peritem")}
    return control.kind is ControlKind.CHOICES and control.takes_results and "true" not in per_part
