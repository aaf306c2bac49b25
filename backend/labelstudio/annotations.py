"""From result items to regions: what annotators drew, as masks.

Annotators' JSON is untrusted and old projects hold surprises, so every item is read by itself: what cannot be
used becomes a line that says why, and the others are kept. Prompts that were left behind are no objects:
the editor saves them when somebody submits while a suggestion is pending.

`image_rotation` does not matter: coordinates and masks are those of the picture before "rotate right".
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.errors import RequestError
from backend.labelstudio.controls import PROMPT_KINDS, Control, ControlKind
from backend.labelstudio.region_values import REGION_KINDS, outline_of_value, region_of_value
from models.regions import Region

_MOST_PIXELS = 1 << 28
"""Of a picture whose size only the annotation tells: a quarter of a gigabyte for one mask."""
_REGION_TYPES = frozenset(kind.value for kind in REGION_KINDS)

Json = Mapping[str, Any]
Controls = Mapping[tuple[str, str], Control]
"""Controls by their own name and that of their picture; one control may draw on several."""


@dataclass(frozen=True, eq=False)
class AnnotatedRegion:
    """An object that somebody drew or accepted.

    Attributes:
        id: The region's id in Label Studio; "" if it has none.
        control_name: The control it was drawn with.
        to_name: Name of the `<Image>`.
        labels: Its labels; empty if nobody chose one.
        region: Its pixels; `class_name` is the first label, or "".
        size_hw: Height and width of the picture it was drawn on.
        outline: Corners of a polygon or a vector, (n, 2) of row and column in pixels; else None.
    """

    id: str
    control_name: str
    to_name: str
    labels: tuple[str, ...]
    region: Region
    size_hw: tuple[int, int]
    outline: NDArray[np.float64] | None = None


@dataclass(frozen=True, eq=False)
class DecodedAnnotation:
    """What an annotation, a draft or a prediction says about a task.

    Attributes:
        regions: The objects in the order of the items.
        choices: Chosen values about whole pictures, by the names of the control and of the `<Image>`.
        problems: One line for each item that could not be used, and why.
        n_empty: How many of these are shapes that cover no pixel, such as a rectangle of a click.
    """

    regions: tuple[AnnotatedRegion, ...]
    choices: Mapping[tuple[str, str], tuple[str, ...]]
    problems: tuple[str, ...]
    n_empty: int = 0


def decode_annotation(
    results: Sequence[Any],
    controls: Iterable[Control],
    sizes_hw: Mapping[str, tuple[int, int]] | None = None,
) -> DecodedAnnotation:
    """Read the result items of one annotation.

    Args:
        results: The list `result` as Label Studio stores it.
        controls: The config's controls on pictures. Items of other tags, such as `<TextArea>`, are passed
            over in silence.
        sizes_hw: Height and width of the pictures by the name of their `<Image>` tag, as the editor shows
            them (EXIF orientation applied). Without an entry the item's `original_*` is taken.

    Returns:
        Everything that could be read; nothing is raised for bad items.
    """
    regions: list[AnnotatedRegion] = []
    choices: dict[tuple[str, str], tuple[str, ...]] = {}
    problems: list[str] = []
    n_empty = 0
    by_name = {(control.name, control.to_name): control for control in controls}
    for key, items in _grouped(results, problems).items():
        try:
            shape = _shape_item(items, by_name)
            if shape is None:
                choices.update(_choices(items, by_name))
            elif not _is_prompt(items, by_name[item_names(shape)]):
                region = _annotated(shape, items, by_name[item_names(shape)], sizes_hw or {})
                if region is None:
                    n_empty += 1
                    problems.append(f"Region {key[:40]}: it covers no pixel of the picture.")
                else:
                    regions.append(region)
        except RequestError as error:
            problems.append(f"Region {key[:40]}: {error}")
    return DecodedAnnotation(tuple(regions), choices, tuple(problems), n_empty)


def _grouped(results: Sequence[Any], problems: list[str]) -> dict[str, list[Json]]:
    """Items by region: those of one region share its id. An item without an id is a region by itself."""
    if not isinstance(results, list | tuple):
        problems.append(f"The result is a {type(results).__name__}, not a list of items.")
        return {}
    groups: dict[str, list[Json]] = {}
    for number, item in enumerate(results):
        if not isinstance(item, Mapping) or not isinstance(item.get("type"), str):
            problems.append(f"Item {number} is no object with a text `type`.")
        elif item["type"] != "relation":
            groups.setdefault(item_text(item, "id") or f"without id (item {number})", []).append(item)
    return groups


def item_names(item: Json) -> tuple[str, str]:
    """Names of the control and the picture that an item belongs to, "" for what is missing."""
    return item_text(item, "from_name"), item_text(item, "to_name")


def item_text(item: Json, key: str) -> str:
    """The text of that key, "" for what is none."""
    text = item.get(key)
    return text if isinstance(text, str) else ""


def _shape_item(items: Sequence[Json], controls: Controls) -> Json | None:
    """The item that carries the region's geometry, None for statements about the whole picture."""
    for item in items:
        control = controls.get(item_names(item))
        if control is not None and control.kind in REGION_KINDS:
            expected = (control.kind.value, f"{control.kind.value}labels")
            if item["type"] not in expected:
                raise RequestError(f"type is {item['type'][:40]!r}, but {control.tag} makes {expected[1]}.")
            return item
    for item in items:
        if item["type"].removesuffix("labels") in _REGION_TYPES:
            raise RequestError(_not_in_config(item))
    return None


def _not_in_config(item: Json) -> str:
    name, to_name = item_names(item)
    return (
        f"the labelling config has no control {name[:80]!r} on picture {to_name[:80]!r} for {item['type']}."
    )


def _choices(items: Sequence[Json], controls: Controls) -> dict[tuple[str, str], tuple[str, ...]]:
    chosen = {}
    for item in items:
        if item["type"] == ControlKind.CHOICES.value:
            control = controls.get(item_names(item))
            if control is None or control.kind is not ControlKind.CHOICES:
                raise RequestError(_not_in_config(item))
            chosen[item_names(item)] = _texts(_value(item), "choices")
    return chosen


def _is_prompt(items: Sequence[Json], control: Control) -> bool:
    """Whether the region asked a model for something instead of showing an object."""
    asks_only = control.hint is not None or (control.kind in PROMPT_KINDS and control.smart is True)
    return asks_only or any("is_positive" in item for item in items)


def _annotated(
    shape: Json, items: Sequence[Json], control: Control, sizes_hw: Mapping[str, tuple[int, int]]
) -> AnnotatedRegion | None:
    if shape.get("item_index"):
        raise RequestError(
            f"lies on page {str(shape['item_index'])[:20]} of a task with several pictures in one tag."
        )
    size_hw = _size(shape, sizes_hw.get(control.to_name))
    region = region_of_value(control.kind, _value(shape), size_hw)
    if region is None:
        return None
    labels = _labels(control, items)
    return AnnotatedRegion(
        id=item_text(shape, "id"),
        control_name=control.name,
        to_name=control.to_name,
        labels=labels,
        region=replace(region, class_name=labels[0] if labels else "", score=_score(shape)),
        size_hw=size_hw,
        outline=outline_of_value(control.kind, _value(shape), size_hw),
    )


def _labels(control: Control, items: Sequence[Json]) -> tuple[str, ...]:
    """Labels of the item itself, or of the item of the `<Labels>` beside a bare control."""
    key = "labels" if control.labels_name is not None else f"{control.kind.value}labels"
    for item in items:
        if item_text(item, "from_name") in (control.labels_name, control.name) and _value(item).get(key):
            return _texts(_value(item), key)
    return ()


def _score(item: Json) -> float:
    score = item.get("score")
    if isinstance(score, bool) or not isinstance(score, int | float) or score != score:  # the last: NaN
        return 1.0
    return float(min(max(score, 0), 1))


def _size(item: Json, expected_hw: tuple[int, int] | None) -> tuple[int, int]:
    stored = (item.get("original_height"), item.get("original_width"))
    if stored == (None, None) and expected_hw is not None:
        return expected_hw
    size_hw = _side(stored[0]), _side(stored[1])
    if not 0 < size_hw[0] * size_hw[1] <= _MOST_PIXELS:
        raise RequestError(
            f"original_width {str(stored[1])[:40]} and original_height {str(stored[0])[:40]} "
            "are no size of a picture."
        )
    if expected_hw is not None and size_hw != expected_hw:
        raise RequestError(
            f"was drawn on a picture of width {size_hw[1]} and height {size_hw[0]}, "
            f"but this one has width {expected_hw[1]} and height {expected_hw[0]}."
        )
    return size_hw


def _side(value: Any) -> int:
    """A number of pixels, 0 for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= _MOST_PIXELS:
        return 0
    return int(value) if value == int(value) else 0


def _value(item: Json) -> Json:
    value = item.get("value")
    if not isinstance(value, Mapping):
        raise RequestError(f"value is a {type(value).__name__}, not an object.")
    return value


def _texts(value: Json, key: str) -> tuple[str, ...]:
    texts = value.get(key)
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise RequestError(f"value.{key} is no list of texts.")
    return tuple(texts)
