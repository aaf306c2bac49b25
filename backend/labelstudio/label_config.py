"""What a labelling config offers: which pictures, which controls on them, which labels.

A config is XML. This module reads the part that has to do with `<Image>` and answers the questions
the services ask: which control receives an object of a class, which one a prompt came from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class ControlKind(str, Enum):
    """Control tags on `<Image>`; the value is the lower-case tag family used in result types."""

    BRUSH = "brush"
    BITMASK = "bitmask"
    POLYGON = "polygon"
    VECTOR = "vector"
    ELLIPSE = "ellipse"
    RECTANGLE = "rectangle"
    KEYPOINT = "keypoint"
    CHOICES = "choices"


@dataclass(frozen=True)
class Label:
    """A label or choice.

    Attributes:
        value: What annotations store.
        predicted_values: Class names of models that mean this label (attribute `predicted_values`).
    """

    value: str
    predicted_values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Control:
    """A control tag on a picture.

    Attributes:
        name: The tag's name, `from_name` in results.
        kind: The tag family.
        to_name: Name of the `<Image>` it draws on.
        labels: Its labels in document order; for a bare tag those of the `<Labels>` beside it.
        labels_name: Name of the separate `<Labels>` tag when the control is bare (`<Brush>` next to
            `<Labels>`), otherwise None.
        attributes: All XML attributes, lower-case names.
    """

    name: str
    kind: ControlKind
    to_name: str
    labels: tuple[Label, ...] = ()
    labels_name: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def result_type(self) -> str:
        """`type` of its results: `brushlabels`, or `brush` for a bare tag."""
        if self.kind is ControlKind.CHOICES or self.labels_name is not None or not self.labels:
            return self.kind.value
        return f"{self.kind.value}labels"
