"""From what the editor sends for smart clicks and rectangles to prompts in pixels.

All points of a request with the same picture and label mean one object: Label Studio sends every pending
point each time. A rectangle is an object of its own, because nobody draws two around one object; the points
of a request with a single rectangle belong to it. Prompts are percentages of the unturned picture, so
`image_rotation` does not matter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import cos, radians, sin
from typing import Any

from backend.errors import RequestError
from backend.labelstudio.controls import PROMPT_KINDS, ControlKind
from backend.labelstudio.label_config import LabelConfig
from backend.labelstudio.payloads import as_object, json_type, shown
from models.errors import PromptError
from models.prompts import Box, Click, Prompts
from models.regions import Region

_MARGIN = 1.0
"""Percent that a click may lie outside the picture; clicks in the browser are exact to about 0.1."""
_MAX_COORDINATE = 1e6
_MAX_SIDE = 1_000_000


@dataclass(frozen=True)
class PromptGroup:
    """What was said about one object.

    Attributes:
        to_name: Name of the picture in the labelling config.
        label: The object's label. Prompts without one get the only label there is; where there are several
            it is None, because a mask without a label is seen and a wrong label is not.
        prompts: In (row, column) pixels, inside the picture.
        size_hw: Height and width of the picture in the editor, in pixels.
        prompt_ids: Ids that the editor gave the prompts, the box's first, then oldest first. A moved point
            keeps its id, and requests that others make may lack ids: not enough for a cache key.
        refine: An object of the annotation to start from, None to start anew.
        refine_id: That object's id in Label Studio; an answer with this id replaces it. "" without one.
        others: Objects of the annotation that are labelled already.
    """

    to_name: str
    label: str | None
    prompts: Prompts
    size_hw: tuple[int, int]
    prompt_ids: tuple[str, ...]
    refine: Region | None = None
    refine_id: str = ""
    others: tuple[Region, ...] = ()


@dataclass
class _Drawn:
    """Prompts with the same picture and label, each with its id."""

    clicks: list[tuple[str, Click]] = field(default_factory=list)
    boxes: list[tuple[str, Box]] = field(default_factory=list)


def read_prompts(
    items: Sequence[Mapping[str, Any]], config: LabelConfig, *, needs_positive: bool = True
) -> tuple[PromptGroup, ...]:
    """Read the prompts of a request, one group per object, in the order in which they were begun.

    Args:
        items: The result items of the request's context.
        config: The project's labelling config; items of controls that do not prompt are left out.
        needs_positive: Whether only objects that something positive points at are returned: nothing for a
            lone negative click.

    Raises:
        RequestError: An item is not what the editor sends; the message names the field.
        PromptError: A prompt lies outside the picture.
    """
    labels = _labels_by_id(items)
    sizes: dict[str, tuple[int, int]] = {}
    drawn: dict[tuple[str, str | None], _Drawn] = {}
    for index, item in enumerate(items):
        from_name, to_name = item.get("from_name"), item.get("to_name")
        if not isinstance(from_name, str) or not isinstance(to_name, str):
            continue
        control = config.control(from_name, to_name)
        if control is None or control.kind not in PROMPT_KINDS or control.model_skip:
            continue
        where = f"params.context.result[{index}]"
        size_hw = _size(item, where)
        if sizes.setdefault(to_name, size_hw) != size_hw:
            raise RequestError(f"{where} has another original size than the prompts before it.")
        prompt_id = _id(item)
        label = _label(item) or labels.get(prompt_id) or config.only_label(to_name)
        group = drawn.setdefault((to_name, label), _Drawn())
        if control.kind is ControlKind.KEYPOINT:
            group.clicks.append((prompt_id, _click(item, where, size_hw)))
        else:
            group.boxes.append((prompt_id, _box(item, where, size_hw)))
    return tuple(
        PromptGroup(to_name, label, prompts, sizes[to_name], tuple(filter(None, ids)))
        for (to_name, label), group in drawn.items()
        for prompts, ids in _objects(group)
        if prompts.has_positive or not needs_positive
    )


def _objects(drawn: _Drawn) -> Iterator[tuple[Prompts, list[str]]]:
    click_ids = [prompt_id for prompt_id, _ in drawn.clicks]
    clicks = Prompts(tuple(click for _, click in drawn.clicks))
    if len(drawn.boxes) == 1:
        box_id, box = drawn.boxes[0]
        yield Prompts(clicks.clicks, box), [box_id, *click_ids]
        return
    for box_id, box in drawn.boxes:
        yield Prompts(box=box), [box_id]
    if clicks.clicks:
        yield clicks, click_ids


def _labels_by_id(items: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Labels by prompt: a bare tag and the `<Labels>` beside it send one item each, with the same id."""
    found: dict[str, str] = {}
    for item in items:
        label = _label(item)
        prompt_id = _id(item)
        if label is not None and prompt_id:
            found.setdefault(prompt_id, label)
    return found


def _label(item: Mapping[str, Any]) -> str | None:
    value = item.get("value")
    if not isinstance(value, Mapping):
        return None
    for key in (item.get("type"), "labels"):
        labels = value.get(key) if isinstance(key, str) else None
        if isinstance(labels, list) and labels and isinstance(labels[0], str):
            return labels[0]
    return None


def _id(item: Mapping[str, Any]) -> str:
    value = item.get("id")
    return value if isinstance(value, str) else ""


def _size(item: Mapping[str, Any], where: str) -> tuple[int, int]:
    height, width = (_side(item, key, where) for key in ("original_height", "original_width"))
    return height, width


def _side(item: Mapping[str, Any], key: str, where: str) -> int:
    value = item.get(key)
    if type(value) is not int or not 1 <= value <= _MAX_SIDE:
        raise RequestError(f"{where}.{key} must be a whole number of pixels, not {shown(value)}.")
    return value


def _number(value: Mapping[str, Any], key: str, where: str, minimum: float = -_MAX_COORDINATE) -> float:
    number = value.get(key)
    if (
        isinstance(number, int | float)
        and not isinstance(number, bool)
        and minimum <= number <= _MAX_COORDINATE
    ):
        return float(number)
    allowed = f"a number from {minimum:g} to {_MAX_COORDINATE:g}"
    raise RequestError(f"{where}.value.{key} must be {allowed}, not {shown(number)}.")


def _click(item: Mapping[str, Any], where: str, size_hw: tuple[int, int]) -> Click:
    value = as_object(item.get("value"), f"{where}.value")
    positive = item.get("is_positive", True)
    if not isinstance(positive, bool):
        raise RequestError(f"{where}.is_positive must be a boolean, not {json_type(positive)}.")
    y, x = _number(value, "y", where), _number(value, "x", where)
    if not all(-_MARGIN <= percent <= 100 + _MARGIN for percent in (x, y)):
        raise PromptError(f"The click at {x:g} %, {y:g} % lies outside the picture.")
    return Click(_pixel_centre(y, size_hw[0]), _pixel_centre(x, size_hw[1]), positive)


def _pixel_centre(percent: float, side: int) -> float:
    """Position in pixels, an integer being a pixel's centre; not beyond the outermost centres."""
    return min(max(percent / 100 * side - 0.5, 0.0), side - 1.0)


def _box(item: Mapping[str, Any], where: str, size_hw: tuple[int, int]) -> Box:
    """The upright box around a rectangle, cut to the picture."""
    value = as_object(item.get("value"), f"{where}.value")
    height, width = size_hw
    left = _number(value, "x", where) / 100 * width
    top = _number(value, "y", where) / 100 * height
    right = _number(value, "width", where, minimum=0) / 100 * width
    down = _number(value, "height", where, minimum=0) / 100 * height
    angle = radians(
        _number({"rotation": 0, **value}, "rotation", where)
    )  # clockwise about the top left corner
    corners = [(0.0, 0.0), (right, 0.0), (0.0, down), (right, down)]
    columns = [left + along * cos(angle) - across * sin(angle) for along, across in corners]
    rows = [top + along * sin(angle) + across * cos(angle) for along, across in corners]
    box = Box(
        top=max(min(rows), 0.0),
        left=max(min(columns), 0.0),
        bottom=min(max(rows), float(height)),
        right=min(max(columns), float(width)),
    )
    if box.top >= box.bottom or box.left >= box.right:
        raise PromptError(f"The rectangle {where} holds no part of the picture.")
    return box
