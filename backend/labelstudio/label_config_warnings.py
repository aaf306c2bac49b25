"""What in a labelling config that works will still surprise its author."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from backend.labelstudio.controls import PROMPT_KINDS, Control, ControlKind
from backend.labelstudio.label_config import LabelConfig


def config_warnings(config: LabelConfig, classes: Sequence[str]) -> list[str]:
    """One sentence for each surprise, with what to change; empty for a config without any.

    Args:
        config: The project's labelling config.
        classes: Class names of the objects that the project's pre-labeller finds.
    """
    found = list(config.ignored)
    for to_name in config.images:
        controls = [c for c in config.controls if c.to_name == to_name and c.kind is not ControlKind.CHOICES]
        for control in controls:
            found += _about_attributes(control)
        found += _about_prompts(config, to_name, [c for c in controls if c.prompts])
        found += _about_pre_labels(config, to_name, classes)
    return list(dict.fromkeys(found))


def _about_attributes(control: Control) -> Iterator[str]:
    kind = control.kind
    if control.smart is None and kind in (ControlKind.BRUSH, ControlKind.BITMASK):
        yield f'smart is on by default for {control.tag}, whose smart tool does nothing: add smart="false".'
    if control.smart is None and kind in PROMPT_KINDS:
        yield (
            f"smart is on by default for {control.tag}, so what is drawn with it asks the model: "
            'add smart="false" if it is for people only, smart="true" if it is only for asking.'
        )
    if control.smart and kind not in PROMPT_KINDS:
        yield f'The smart tool of {control.tag} sends nothing to the model: set smart="false".'
    if kind is ControlKind.VECTOR and control.takes_results and control.attributes.get("closable") != "true":
        yield f'Masks need closed outlines: add closable="true" to {control.tag}.'


def _about_prompts(config: LabelConfig, to_name: str, prompts: Sequence[Control]) -> Iterator[str]:
    image = f'<Image name="{to_name}">'
    outputs = [c for c in config.outputs(to_name) if c.kind is not ControlKind.KEYPOINT]
    if outputs and not prompts:
        yield f'Nothing on {image} asks for masks: add <KeyPointLabels smart="true"> for clicks.'
    labels_differ = config.only_label(to_name) is None and any(c.labels for c in outputs)
    for control in prompts:
        missing = [label for label in control.label_values if config.output_control(to_name, label) is None]
        if missing:
            yield (
                f"Prompts with the label {', '.join(missing)} of {control.tag} get no mask: "
                "no control for masks has that label."
            )
        if not control.labels and not control.dynamic_labels and labels_differ:
            yield (
                f"{control.tag} has no labels and the controls for masks on {image} have several: "
                "masks come without a label. Use KeyPointLabels or RectangleLabels."
            )


def _about_pre_labels(config: LabelConfig, to_name: str, classes: Sequence[str]) -> Iterator[str]:
    receivers = config.outputs(to_name)
    if classes and receivers and not config.prelabel_targets(to_name, classes):
        names = " or ".join(map(repr, classes[:5]))
        yield (
            f"No label of {receivers[0].tag} matches {names}, so no pre-labels appear: "
            f'add predicted_values="{classes[0]}" to the label that they should have.'
        )
