"""What must be known of a trained network besides its weights, and the files of both."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.errors import WeightsError, WeightsNotFoundError
from models.label_schema import LabelSchema
from models.networks.unet import UNet as Network
from models.prelabel.analysis import Calibration

WEIGHTS = "weights.safetensors"
DESCRIPTION = "network.json"
_FORMAT = 2


@dataclass(frozen=True)
class NetworkDescription:
    """What must be known of a trained network besides its weights.

    Attributes:
        schema: What its outputs mean.
        side: Longer side of the pictures that it works on, in pixels.
        countable: Classes of which each object is a region of its own.
        calibration: From its beliefs to the expected quality.
    """

    schema: LabelSchema
    side: int
    countable: frozenset[str]
    calibration: Calibration

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; `read` reads them."""
        return {
            "format": _FORMAT,
            "schema": self.schema.to_json(),
            "side": self.side,
            "countable": sorted(self.countable),
            "calibration": self.calibration.to_json(),
        }

    @classmethod
    def read(cls, path: Path) -> NetworkDescription:
        """Read a description.

        Raises:
            WeightsNotFoundError: There is no such file.
            WeightsError: It is damaged, or of a later release.
        """
        if not path.is_file():
            raise WeightsNotFoundError(f"There is no network description at {path}.")
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
            if value["format"] == _FORMAT:
                return cls(
                    LabelSchema.from_json(value["schema"]),
                    int(value["side"]),
                    frozenset(value["countable"]),
                    Calibration.from_json(value["calibration"]),
                )
        except (ValueError, KeyError, TypeError) as error:
            raise WeightsError(f"{path} does not describe a network: {error!r}.") from error
        raise WeightsError(
            f"{path} has format {value['format']}; this release reads {_FORMAT}. Let the project train a new "
            "version, or use the release that made this one."
        )

    def new_network(self) -> Network:
        """A network of this kind, not trained."""
        return Network(
            len(self.schema.classes), [len(question.answers) for question in self.schema.questions]
        )
