"""Trained versions to store: their files, and what is known about them."""

from pathlib import Path
from typing import ClassVar

import numpy as np

from backend.state.model_store import FILES, VersionFacts
from models.arrays import Image
from models.errors import WeightsError
from models.label_schema import LabelSchema
from models.prelabel.base import PreLabeller, PreLabels
from models.regions import Region

SCHEMA = LabelSchema(("Coin",))
N_ERROR_AREAS = 8
BROKEN = "broken"
"""Content of weights that `TrainedFake` cannot load."""


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


class TrainedFake(PreLabeller):
    """Finds one object, the upper left quarter of the picture, and doubts some rows in its middle."""

    name: ClassVar[str] = "unet"

    def __init__(self, folder: Path, version: str) -> None:
        self._weights = folder / FILES[0]
        self.version = version
        self.classes = ("Coin",)

    def load(self) -> None:
        if self._weights.read_text() == BROKEN:
            raise WeightsError(f"{self._weights} is broken")

    def predict(self, image: Image) -> PreLabels:
        height, width = image.shape[:2]
        quarter = Region(np.ones((height // 2, width // 2), dtype=bool), 0, 0, "Coin", 0.9)
        doubts = tuple(
            Region(np.ones((1, width // 2), dtype=bool), height // 4 + row, 0, "", 0.8 - row / 100)
            for row in range(N_ERROR_AREAS)
        )
        return PreLabels((quarter,), (), 0.75, doubts)
