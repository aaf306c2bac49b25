"""Labelling configs as XML: which pictures, which controls on them.

Tag and attribute names are read without regard to case, as the editor reads them. Entities and document
types are refused. `<Repeater>` makes tags that depend on the task; what is inside is left to people.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element, ParseError

from defusedxml.ElementTree import fromstring

from backend.errors import LabelConfigError
from backend.labelstudio.controls import Control, ControlKind, Label

EXAMPLE = """<View>
  <Image name="image" value="$image"/>
  <BrushLabels name="masks" toName="image" smart="false"><Label value="Object"/></BrushLabels>
  <KeyPointLabels name="clicks" toName="image" smart="true"><Label value="Object"/></KeyPointLabels>
</View>"""

MAX_CHARACTERS = 1024 * 1024

_KINDS: dict[str, ControlKind] = {kind.value: kind for kind in ControlKind} | {
    f"{kind.value}labels": kind for kind in ControlKind if kind is not ControlKind.CHOICES
}
_LABEL_TAGS = frozenset({"label", "choice"})


@dataclass(frozen=True)
class ParsedConfig:
    """What a config says about pictures.

    Attributes:
        images: Name of each usable `<Image>` and the field of the task data with its address.
        model_images: The same for those that models look at another picture of (attribute `model_value`).
        controls: One per control tag and picture, in document order.
        ignored: A sentence for each tag that looks usable but is not.
    """

    images: Mapping[str, str]
    model_images: Mapping[str, str]
    controls: tuple[Control, ...]
    ignored: tuple[str, ...]


@dataclass
class _Tag:
    """An element that has a name, with the labels inside it."""

    type: str
    attributes: Mapping[str, str]
    labels: list[Label] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.attributes.get("name", "")

    @property
    def has_dynamic_labels(self) -> bool:
        return not self.labels or self.attributes.get("value", "").startswith("$")


def unusable(problem: str) -> LabelConfigError:
    """The error for a config with this problem, a sentence; it shows a config that works."""
    return LabelConfigError(f"{problem} A labelling config that works:\n{EXAMPLE}")


def parse_xml(xml: str) -> ParsedConfig:
    """Read a labelling config.

    Raises:
        LabelConfigError: It is not XML, too large, or an attribute has an impossible value.
    """
    tags, ignored = _tags(_root(xml))
    images: dict[str, str] = {}
    model_images: dict[str, str] = {}
    for tag in tags:
        if tag.type == "image":
            problem = _image_problem(tag)
            if problem is None:
                images[tag.name] = tag.attributes["value"].strip()[1:]
                model_value = tag.attributes.get("model_value", "").strip().removeprefix("$")
                if model_value:
                    model_images[tag.name] = model_value
            else:
                ignored.append(problem)
        elif tag.type == "magicwand":
            ignored.append(
                f'<MagicWand name="{tag.name[:80]}"> is left to people; add <Brush> for the model\'s masks.'
            )
    controls = tuple(_controls(tags, images))
    return ParsedConfig(images, model_images, controls, tuple(dict.fromkeys(ignored)))


def _root(xml: str) -> Element:
    if len(xml) > MAX_CHARACTERS:
        raise unusable(f"The labelling config has {len(xml)} characters, {MAX_CHARACTERS} are allowed.")
    try:
        root: Element = fromstring(xml, forbid_dtd=True)
    except (ParseError, ValueError) as error:  # ValueError: what defusedxml forbids, and lone surrogates
        raise unusable(f"The labelling config is not plain XML: {str(error)[:200]}.") from None
    return root


def _tags(root: Element) -> tuple[list[_Tag], list[str]]:
    """All named or targeted tags in document order with their labels, and what was left out."""
    tags: list[_Tag] = []
    ignored: list[str] = []
    stack: list[tuple[Element, _Tag | None]] = [(root, None)]
    while stack:
        element, owner = stack.pop()
        tag = element.tag.lower()
        attributes = {name.lower(): value for name, value in element.attrib.items()}
        if tag == "repeater":
            ignored.append("<Repeater> makes tags that depend on the task; they are left to people.")
            continue
        if tag in _LABEL_TAGS:
            if owner is not None:
                owner.labels += _label(attributes)
            if tag == "choice":  # a choice inside another is stored as a path, which no model predicts
                continue
        elif tag != "view" and ("name" in attributes or "toname" in attributes):
            owner = _Tag(tag, attributes)
            tags.append(owner)
        stack += [(child, owner) for child in reversed(element)]
    return tags, ignored


def _label(attributes: Mapping[str, str]) -> list[Label]:
    shown, alias = attributes.get("value", ""), attributes.get("alias", "")
    if not (shown or alias):
        return []
    predicted = [value.strip() for value in attributes.get("predicted_values", "").split(",")]
    if shown and alias:
        predicted.append(shown)
    return [Label(alias or shown, tuple(value for value in predicted if value))]


def _image_problem(tag: _Tag) -> str | None:
    if "valuelist" in tag.attributes:
        return f'<Image name="{tag.name[:80]}"> shows several pages (valueList), which are left to people.'
    value = tag.attributes.get("value", "").strip()
    if not tag.name or not value.startswith("$") or value == "$":
        return f'<Image name="{tag.name[:80]}"> needs a name and a value like "$image".'
    return None


def _controls(tags: Sequence[_Tag], images: Mapping[str, str]) -> Iterator[Control]:
    labels_tags: dict[str, _Tag] = {}
    for tag in tags:
        if tag.type == "labels":
            for to_name in _targets(tag, images):
                labels_tags.setdefault(to_name, tag)
    for tag in tags:
        kind = _KINDS.get(tag.type)
        if kind is None or not tag.name:
            continue
        is_bare = tag.type == kind.value and kind is not ControlKind.CHOICES
        threshold = _threshold(tag)
        for to_name in _targets(tag, images):
            beside = labels_tags.get(to_name) if is_bare else None
            labels_tag = beside if is_bare else tag
            yield Control(
                name=tag.name,
                kind=kind,
                to_name=to_name,
                labels=() if labels_tag is None else tuple(labels_tag.labels),
                labels_name=None if beside is None else beside.name,
                attributes=tag.attributes,
                dynamic_labels=labels_tag is not None and labels_tag.has_dynamic_labels,
                score_threshold=threshold,
            )


def _targets(tag: _Tag, images: Mapping[str, str]) -> list[str]:
    """The pictures that `toName` lists; without it the only picture, as the editor does."""
    if "toname" not in tag.attributes:
        return list(images) if len(images) == 1 else []
    names = (name.strip() for name in tag.attributes["toname"].split(","))
    return [name for name in dict.fromkeys(names) if name in images]


def _threshold(tag: _Tag) -> float:
    """`model_score_threshold`, or its older name; 0 when there is none, so that nothing is left out."""
    text = tag.attributes.get("model_score_threshold") or tag.attributes.get("score_threshold") or "0"
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise unusable(
            f'model_score_threshold of "{tag.name[:80]}" must be a number from 0 to 1, not {text[:80]!r}.'
        )
    return value
