"""What a fit keeps in its scratch folder, so that a killed one is gone on with and never done by halves."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backend.state.version_info import VersionFacts
from models.label_schema import LabelSchema
from models.training.atomic_files import write_atomically
from models.training.examples import Example
from models.training.prelabel_fit import FitOutcome

WORK = "work"
"""Folder of the training itself."""
_MADE_OF, _OUTCOME = "made-of.txt", "outcome.json"


@dataclass(frozen=True)
class Outcome:
    """A trained and judged model that waits to be published.

    Attributes:
        model: Folder with its files.
        facts: What is to be known about it.
    """

    model: Path
    facts: VersionFacts


def made_of(examples: Sequence[Example], schema: LabelSchema, parent: str | None) -> str:
    """A digest of everything that a model learns from; pictures count by the keys of their examples.

    Args:
        examples: In their order.
        schema: What the model is to say.
        parent: Name of the version that it goes on from, None for none.
    """
    digest = hashlib.sha256(json.dumps([schema.to_json(), parent]).encode())
    for example in examples:
        answers = sorted((name, sorted(chosen)) for name, chosen in example.answers.items())
        asked = example.regions is not None
        digest.update(json.dumps([example.key, example.group, answers, asked]).encode())
        for region in example.regions or ():
            place = [region.class_name, region.top, region.left, *region.mask.shape]
            digest.update(json.dumps(place).encode() + np.packbits(region.mask).tobytes())
    return digest.hexdigest()


def begin(folder: Path, digest: str) -> None:
    """Keep what an earlier start has learned if it learned from the same, else remove it.

    Args:
        folder: The job's scratch folder.
        digest: See `made_of`.

    Raises:
        TrainingRunError: The folder cannot be written.
    """
    note = folder / _MADE_OF
    if note.is_file() and note.read_text(encoding="utf-8") == digest:
        return
    shutil.rmtree(folder / WORK, ignore_errors=True)
    write_atomically(note, digest.encode())


def write_outcome(
    folder: Path, outcome: FitOutcome, schema: LabelSchema, *, parent: str | None, kind: str, source: str
) -> Outcome:
    """Write down what is to be published.

    Args:
        folder: The job's scratch folder; the model lies in it.
        outcome: Of the training.
        schema: What the model says.
        parent: Name of the version that it went on from, None for none.
        kind: Of model.
        source: Where the annotations came from.

    Raises:
        TrainingRunError: The folder cannot be written.
    """
    gate = outcome.gate
    described: dict[str, Any] = {
        "model": str(outcome.folder.relative_to(folder)),
        "kind": kind,
        "parent": parent,
        "schema": schema.to_json(),
        "trained_on": list(outcome.trained_on),
        "held_out": list(outcome.held_out),
        "gate": {
            "passed": gate.passed,
            "reason": gate.reason,
            "figures": dict(gate.figures),
            "compared": list(gate.compared),
        },
        "metrics": dict(outcome.metrics),
        "source": source,
    }
    write_atomically(folder / _OUTCOME, json.dumps(described).encode())
    return _outcome(folder, described)


def read_outcome(folder: Path) -> Outcome | None:
    """What an earlier start of the job was about to publish; None if it did not come so far."""
    file = folder / _OUTCOME
    return _outcome(folder, json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else None


def _outcome(folder: Path, described: dict[str, Any]) -> Outcome:
    values = dict(described)
    model = folder / values.pop("model")
    values["schema"] = LabelSchema.from_json(values["schema"])
    values["trained_on"] = tuple(values["trained_on"])
    values["held_out"] = tuple(values["held_out"])
    return Outcome(model, VersionFacts(**values))
