"""What is known about a stored model version, and how it is written down."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from backend.errors import ModelStoreError
from models.label_schema import LabelSchema

PREFIXES = {"prelabel": "unet", "click": "clicknet"}
"""Kinds of models that projects train, and how the names of their versions begin."""
_ROUND = re.compile(r"\.q([0-9]{1,9})$")


@dataclass(frozen=True, kw_only=True)
class VersionFacts:
    """What those who trained a version say about it.

    Attributes:
        kind: One of `PREFIXES`.
        parent: Name of the version that it was trained from, None if it was another model.
        schema: What it learned to say.
        trained_on: Keys of the examples that it learned from.
        held_out: Keys of the examples that it was judged by.
        gate: The gate's decision and figures, JSON values; `passed` says whether it passed.
        metrics: Other figures, JSON values.
        source: Where the annotations came from, "api" or "inbox".
    """

    kind: str
    parent: str | None
    schema: LabelSchema
    trained_on: tuple[str, ...]
    held_out: tuple[str, ...]
    gate: Mapping[str, Any]
    metrics: Mapping[str, Any]
    source: str


@dataclass(frozen=True, kw_only=True)
class VersionInfo(VersionFacts):
    """A stored version. Nothing of it ever changes.

    Attributes:
        name: Unique for ever; Label Studio stores it with each prediction.
        project_id: Label Studio's number of the project.
        number: Counts the versions of the project, from 1.
        created_at: When it was published, UTC.
        code_version: Of this package, when it was published.
        sha256: Checksums of its files by file name, hexadecimal.
    """

    name: str
    project_id: int
    number: int
    created_at: datetime
    code_version: str
    sha256: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; `read_version_info` reads them."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return values | {
            "schema": self.schema.to_json(),
            "created_at": self.created_at.isoformat(),
            "trained_on": list(self.trained_on),
            "held_out": list(self.held_out),
            "gate": dict(self.gate),
            "metrics": dict(self.metrics),
            "sha256": dict(self.sha256),
        }


def queue_version(name: str, number: int) -> str:
    """What a version's pre-labels are called when they carry the order of a round.

    Args:
        name: Of the version.
        number: Of the round.
    """
    return f"{name}.q{number}"


def queue_round(name: str) -> int | None:
    """Number of the round whose order predictions of this version carry; None if they carry none."""
    match = _ROUND.search(name)
    return None if match is None else int(match[1])


def answering_version(name: str) -> str:
    """The version whose pre-labels these are, whether they carry an order or not."""
    return _ROUND.sub("", name)


def read_version_info(text: str) -> VersionInfo:
    """Read the JSON text of a version.

    Raises:
        ModelStoreError: It is not what `VersionInfo.to_json` wrote.
    """
    try:
        values = json.loads(text)
        return VersionInfo(
            kind=_text(values["kind"]),
            parent=None if values["parent"] is None else _text(values["parent"]),
            schema=LabelSchema.from_json(values["schema"]),
            trained_on=tuple(_text(key) for key in values["trained_on"]),
            held_out=tuple(_text(key) for key in values["held_out"]),
            gate=dict(values["gate"]),
            metrics=dict(values["metrics"]),
            source=_text(values["source"]),
            name=_text(values["name"]),
            project_id=int(values["project_id"]),
            number=int(values["number"]),
            created_at=datetime.fromisoformat(values["created_at"]),
            code_version=_text(values["code_version"]),
            sha256={_text(key): _text(value) for key, value in values["sha256"].items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelStoreError(f"not the description of a version ({error!r:.200})") from error


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a text was expected, not {value!r:.80}")
    return value
