"""The encoder that every network of a project begins with: that of the shipped ClickNet."""

from __future__ import annotations

from pathlib import Path

from models.networks.mobilenet_v2 import MobileNetV2
from models.state_dicts import read_state_dict

CLICKNET = Path(__file__).parent / "weights" / "clicknet.safetensors"
_PREFIX = "encoder."


def load_shipped_encoder(encoder: MobileNetV2) -> None:
    """Give an encoder the shipped weights, as 32-bit floats.

    Raises:
        WeightsNotFoundError: They are missing.
        WeightsError: They are damaged.
    """
    shipped = read_state_dict(CLICKNET)
    encoder.load_state_dict(
        {
            name.removeprefix(_PREFIX): each.float()
            for name, each in shipped.items()
            if name.startswith(_PREFIX)
        }
    )
