"""Control tags on `<Image>`: what people and models annotate with."""

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


PROMPT_KINDS = frozenset({ControlKind.KEYPOINT, ControlKind.RECTANGLE})
"""The tags whose smart tools ask the model; the smart tools of the others send nothing."""

_TRUE = frozenset({"1", "true", "yes"})  # as the reference YOLO backend reads its attributes
_HINTS = {"positive": True, "negative": False}
_TAG_NAMES = {ControlKind.KEYPOINT: "KeyPoint"}


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
        dynamic_labels: Whether further labels come from task data (`value="$labels"`); the config does
            not say which.
        score_threshold: Predictions below it are left out (attribute `model_score_threshold`), in [0, 1].
    """

    name: str
    kind: ControlKind
    to_name: str
    labels: tuple[Label, ...] = ()
    labels_name: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    dynamic_labels: bool = False
    score_threshold: float = 0.0

    @property
    def result_type(self) -> str:
        """`type` of its results: `brushlabels`, or `brush` for a bare tag."""
        return self.kind.value if self._is_bare else f"{self.kind.value}labels"

    @property
    def tag(self) -> str:
        """The tag for messages: `<BrushLabels name="b">`."""
        name = _TAG_NAMES.get(self.kind, self.kind.value.capitalize())
        suffix = "" if self._is_bare else "Labels"
        return f'<{name}{suffix} name="{self.name[:80]}">'

    @property
    def smart(self) -> bool | None:
        """Attribute `smart`; None when it is missing, which the editor reads as true."""
        value = self.attributes.get("smart")
        return None if value is None else value.strip().lower() in _TRUE

    @property
    def prompts(self) -> bool:
        """Whether what is drawn with it asks the model for masks."""
        asks = self.kind in PROMPT_KINDS and self.smart is not False
        return asks and not (self.model_skip or self.shows_error_areas)

    @property
    def takes_results(self) -> bool:
        """Whether the model may put its objects here: not skipped, nor only there to prompt or to warn."""
        only_prompts = self.hint is not None or (self.kind in PROMPT_KINDS and self.smart is True)
        return not (self.model_skip or only_prompts or self.shows_error_areas)

    @property
    def hint(self) -> bool | None:
        """Attribute `hint` of a brush: what its strokes say about the object that is being clicked.

        True for "positive", "this belongs to it"; False for "negative", "this does not"; None for brushes
        that draw objects, and for all other tags.
        """
        if self.kind is not ControlKind.BRUSH:
            return None
        return _HINTS.get(self.attributes.get("hint", "").strip().lower())

    @property
    def model_skip(self) -> bool:
        """Attribute `model_skip`: the model leaves this tag to people."""
        return self.attributes.get("model_skip", "").strip().lower() in _TRUE

    @property
    def shows_error_areas(self) -> bool:
        """Attribute `model_error_areas`: it shows where pre-labels may be wrong, and holds no objects."""
        return self.attributes.get("model_error_areas", "").strip().lower() in _TRUE

    @property
    def takes_several(self) -> bool:
        """Attribute `choice` of `<Choices>`: several may be chosen."""
        return self.attributes.get("choice") == "multiple"

    @property
    def oriented(self) -> bool:
        """Attribute `model_obb`: rectangles are turned to fit the object, not upright."""
        return self.attributes.get("model_obb", "").strip().lower() in _TRUE

    @property
    def label_values(self) -> tuple[str, ...]:
        """What annotations store for its labels."""
        return tuple(label.value for label in self.labels)

    @property
    def has_open_labels(self) -> bool:
        """Whether the config does not limit its labels: it has none, or task data brings more."""
        return self.dynamic_labels or not self.labels

    def named_label(self, class_name: str) -> str | None:
        """The label whose `predicted_values` name the class, else the one called like it, else None.

        Case does not matter.
        """
        wanted = class_name.casefold()
        for label in self.labels:
            if wanted in (name.casefold() for name in label.predicted_values):
                return label.value
        return next((label.value for label in self.labels if label.value.casefold() == wanted), None)

    @property
    def _is_bare(self) -> bool:
        if self.kind is ControlKind.CHOICES or self.labels_name is not None:
            return True
        return not (self.labels or self.dynamic_labels)
