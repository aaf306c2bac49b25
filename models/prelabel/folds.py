"""The networks of a version's folds: each can be asked about the examples that it has not learned from.

A network agrees with what it has learned, right or wrong. So whoever wants to know whether an annotation is
right asks the fold that has never seen it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from models.errors import WeightsError
from models.networks.unet import UNet as Network
from models.prelabel.network_description import NetworkDescription
from models.state_dicts import UNREADABLE, read_state_dict

FOLDS = "folds.safetensors"
"""File of the folds, beside the network's own; a version has none if its examples were too few."""
_NOT_LEARNED = "not_learned"


def packed_folds(folds: Sequence[tuple[Network, Sequence[str]]]) -> bytes:
    """The content of a file of folds.

    Args:
        folds: Networks with the keys of the examples that they have not learned from.
    """
    tensors: dict[str, Tensor] = {}
    for number, (network, _) in enumerate(folds):
        for name, value in network.state_dict().items():
            tensors[f"{number}.{name}"] = value.half().contiguous() if value.is_floating_point() else value
    keys = json.dumps([list(keys) for _, keys in folds])
    return safetensors.torch.save(tensors, {_NOT_LEARNED: keys})


def read_folds(path: Path, description: NetworkDescription) -> Mapping[str, Network]:
    """Read the networks of a file of folds.

    Args:
        path: The file.
        description: Of the version's network.

    Returns:
        By the key of an example, the network that has not learned from it, in eval mode.

    Raises:
        WeightsNotFoundError: There is no such file.
        WeightsError: It is damaged, or holds other networks.
    """
    tensors = read_state_dict(path)
    try:
        with safetensors.safe_open(path, "pt") as file:
            keys = json.loads((file.metadata() or {})[_NOT_LEARNED])
        networks: dict[str, Network] = {}
        for number, not_learned in enumerate(keys):
            network = description.new_network()
            prefix = f"{number}."
            state = {k.removeprefix(prefix): v.float() for k, v in tensors.items() if k.startswith(prefix)}
            network.load_state_dict(state)
            ready = network.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            networks |= dict.fromkeys(not_learned, ready)
    except UNREADABLE as error:
        reason = str(error).partition("\n")[0]
        raise WeightsError(f"{path} cannot be read as networks of folds: {reason}") from error
    return networks
