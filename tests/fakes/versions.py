"""Trained versions to store: their files, and what is known about them."""

from pathlib import Path

from backend.state.model_store import FILES, VersionFacts
from models.label_schema import LabelSchema

SCHEMA = LabelSchema(("Coin",))


def trained_files(folder: Path, content: str = "a") -> Path:
    """The two files of a model, whose weights are this text; the fakes read their answers from it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        (folder / name).write_text(content)
    return folder


def facts(
    schema: LabelSchema = SCHEMA, *, kind: str = "prelabel", parent: str | None = None, passed: bool = True
) -> VersionFacts:
    """What a training would say about its model."""
    return VersionFacts(
        kind=kind,
        parent=parent,
        schema=schema,
        trained_on=("2-1", "2-3"),
        held_out=("2-2",),
        gate={"passed": passed, "reason": "better", "figures": {"dice": 0.9}},
        metrics={"dice": 0.9},
        source="api",
    )
