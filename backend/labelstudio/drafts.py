"""What the draft of the annotator who clicks says besides the clicks: strokes, and objects labelled already.

Every smart click carries the whole draft, so what was decoded is kept. A region that did not change is only
hashed again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from backend.byte_cache import ByteCache
from backend.errors import RequestError
from backend.labelstudio.annotations import AnnotatedRegion, decode_annotation
from backend.labelstudio.controls import Control
from backend.labelstudio.label_config import LabelConfig
from backend.labelstudio.region_values import REGION_KINDS, region_of_value
from backend.labelstudio.scribbles import clicks_of_stroke
from models.prompts import Click

_CACHE_BYTES = 64 * 2**20
_ENTRY_BYTES = 1000
"""Of a cached region beside its pixels, roughly."""


@dataclass(frozen=True)
class Stroke:
    """A stroke of a brush with the attribute `hint`.

    Attributes:
        id: The region's id.
        clicks: The row of clicks that it stands for, all positive or all negative.
    """

    id: str
    clicks: tuple[Click, ...]


@dataclass(frozen=True)
class DraftContent:
    """What a draft says about one picture.

    Attributes:
        objects: Labelled objects, in the order of the draft.
        strokes: Strokes drawn after the last object; earlier ones have done their work.
    """

    objects: tuple[AnnotatedRegion, ...] = ()
    strokes: tuple[Stroke, ...] = ()


@dataclass(frozen=True)
class _Kept:
    found: AnnotatedRegion | Stroke | None

    @property
    def nbytes(self) -> int:
        pixels = self.found.region.mask.nbytes if isinstance(self.found, AnnotatedRegion) else 0
        return pixels + _ENTRY_BYTES


@dataclass
class _Drawn:
    control: Control
    items: list[Any] = field(default_factory=list)


class DraftReader:
    """Reads drafts. Safe between threads, which share what was decoded; nothing else is kept."""

    def __init__(self) -> None:
        self._cache: ByteCache[bytes, _Kept] = ByteCache(
            _CACHE_BYTES, size_of=lambda kept: kept.nbytes, on_lookup=lambda _: None
        )

    def read(
        self, items: Sequence[Any], config: LabelConfig, to_name: str, size_hw: tuple[int, int]
    ) -> DraftContent:
        """Read what a draft says about one picture.

        Args:
            items: Result items of the draft. What cannot be used is passed over: a click must not fail
                because of something that was drawn before.
            config: The project's labelling config.
            to_name: Name of the picture.
            size_hw: Its height and width in pixels.
        """
        objects: list[AnnotatedRegion] = []
        strokes: list[Stroke] = []
        for drawn in _regions(items, config, to_name):
            key = _digest(drawn, size_hw)
            if key is None:
                continue
            found = self._cache.get_or_create(
                key,
                lambda drawn=drawn: _Kept(_decode(drawn, size_hw)),  # type: ignore[misc]  # bound in the loop
            ).found
            if isinstance(found, AnnotatedRegion):
                objects.append(found)
                strokes.clear()
            elif found is not None:
                strokes.append(found)
        return DraftContent(tuple(objects), tuple(strokes))


def _regions(items: Sequence[Any], config: LabelConfig, to_name: str) -> list[_Drawn]:
    """Items of the picture, grouped by region; a bare tag's label is an item of its own with the same id."""
    groups: dict[str, list[Any]] = {}
    for number, item in enumerate(items):
        if isinstance(item, Mapping) and item.get("to_name") == to_name:
            groups.setdefault(str(item.get("id") or f"#{number}"), []).append(item)
    regions = []
    for group in groups.values():
        controls = (config.control(str(item.get("from_name")), to_name) for item in group)
        control = next((each for each in controls if each is not None and each.kind in REGION_KINDS), None)
        if control is not None and not control.shows_error_areas:
            regions.append(_Drawn(control, group))
    return regions


def _digest(drawn: _Drawn, size_hw: tuple[int, int]) -> bytes | None:
    """Of everything that the decoded region depends on; None for what is no JSON of a region."""
    digest = hashlib.blake2b(repr((drawn.control, size_hw)).encode(), digest_size=20)
    try:
        for item in drawn.items:
            value = dict(item["value"])
            digest.update(bytes(value.pop("rle", ())))  # a list of a million numbers is slow as JSON
            digest.update(json.dumps({**item, "value": value}, sort_keys=True).encode())
    except (KeyError, TypeError, ValueError, RecursionError):
        return None
    return digest.digest()


def _decode(drawn: _Drawn, size_hw: tuple[int, int]) -> AnnotatedRegion | Stroke | None:
    control = drawn.control
    if control.hint is None:
        found = decode_annotation(drawn.items, [control], {control.to_name: size_hw}).regions
        return found[0] if found else None
    item = next(item for item in drawn.items if item.get("from_name") == control.name)
    try:
        region = region_of_value(control.kind, item["value"], size_hw)
    except RequestError:
        return None
    if region is None:
        return None
    return Stroke(str(item.get("id", "")), clicks_of_stroke(region, size_hw, positive=control.hint))
