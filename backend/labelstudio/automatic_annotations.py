"""Annotations that a model made: how they are written, and known again for as long as nobody changed them.

Label Studio has no place for who made an annotation but its user. So such an annotation carries the time that
it took somebody, 0 s, and a note at each region, which the editor shows in its panel. The note holds a digest
of all items: whoever changes a region, or deletes one, makes the annotation theirs; the editor also adds the
time that was spent. Its "Update" does nothing without a change, so whoever finds that all is right duplicates
the annotation and submits the copy, or marks it as ground truth through the API.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from backend.labelstudio.label_config import LabelConfig

Json = Mapping[str, Any]

_NOTE = re.compile(r"Labelled by .{1,300}; nobody has looked at it\. \[([0-9a-f]{16})\]", re.DOTALL)


def automatic_annotation(result: Sequence[Json], version: str, prediction_id: int) -> dict[str, Any]:
    """The annotation that says what a prediction says.

    Args:
        result: The prediction's items.
        version: The version that made it.
        prediction_id: Its number.

    Returns:
        Fields for Label Studio; the user of the key becomes its annotator.
    """
    note = f"Labelled by {version}; nobody has looked at it. [{_digest(result)}]"
    return {
        "result": [_with_note(item, note) for item in result],
        "lead_time": 0,
        "ground_truth": False,
        "was_cancelled": False,
        "parent_prediction": prediction_id,
    }


def without_error_areas(result: Sequence[Json], config: LabelConfig) -> list[Json]:
    """The items that say what is there: without those that show people where a prediction may be wrong.

    Args:
        result: The prediction's items.
        config: The project's labelling config.
    """
    warning = {control.name for control in config.controls if control.shows_error_areas}
    areas = {item.get("id") for item in result if item.get("from_name") in warning}
    return [item for item in result if item.get("id") not in areas]


def is_untouched(annotation: Json) -> bool:
    """Whether it is an automatic annotation that nobody has changed.

    Without regions there is no place for a note; then the time of 0 s alone tells.

    Args:
        annotation: Its fields; those that are listed without `result` are told by their time alone.
    """
    if annotation.get("ground_truth") is True:
        return False
    time = annotation.get("lead_time")
    if isinstance(time, bool) or not isinstance(time, int | float) or time != 0:
        return False
    result = annotation.get("result")
    if not isinstance(result, list) or not result:
        return True
    if not all(isinstance(item, dict) for item in result):
        return False
    if not all(_digests(item) for item in result):
        return False
    digests = {digest for item in result for digest in _digests(item)}
    return digests == {_digest([_without_note(item) for item in result])}


def _digest(result: Sequence[Json]) -> str:
    text = json.dumps(list(result), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:16]


def _with_note(item: Json, note: str) -> dict[str, Any]:
    meta = item.get("meta")
    meta = meta if isinstance(meta, dict) else {}
    return {**item, "meta": {**meta, "text": [*_texts(meta), note]}}


def _without_note(item: Json) -> dict[str, Any]:
    meta = dict(item["meta"])
    texts = [text for text in _texts(meta) if not _is_note(text)]
    meta = {key: value for key, value in meta.items() if key != "text"} | ({"text": texts} if texts else {})
    bare = {key: value for key, value in item.items() if key != "meta"}
    return bare | ({"meta": meta} if meta else {})


def _digests(item: Json) -> list[str]:
    """Digests of the item's notes."""
    meta = item.get("meta")
    matches = [_NOTE.fullmatch(text) for text in _texts(meta) if isinstance(text, str)] if meta else []
    return [match[1] for match in matches if match is not None]


def _texts(meta: Any) -> list[Any]:
    texts = meta.get("text") if isinstance(meta, dict) else None
    return texts if isinstance(texts, list) else []


def _is_note(text: Any) -> bool:
    return isinstance(text, str) and _NOTE.fullmatch(text) is not None
