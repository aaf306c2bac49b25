"""Files of named tensors."""

from __future__ import annotations

import pickle
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from models.errors import WeightsError, WeightsNotFoundError
from models.weights_files import remedy

UNREADABLE = (
    safetensors.SafetensorError,
    pickle.UnpicklingError,
    EOFError,
    KeyError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What the readers of weights raise on broken or foreign files."""


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """Read the tensors of a .safetensors file or of a PyTorch checkpoint; code in the file is not run.

    Raises:
        WeightsNotFoundError: There is no such file; the message has the command that fetches it.
        WeightsError: The file is broken, or holds something else than named tensors.
    """
    if not path.is_file():
        raise WeightsNotFoundError(f"There are no weights at {path}. {remedy(path)}")
    try:
        if path.suffix == ".safetensors":
            return safetensors.torch.load_file(path)
        tensors = torch.load(path, map_location="cpu", weights_only=True)
    except UNREADABLE as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise WeightsError(f"{path} cannot be read as weights: {reason}") from error
    if not isinstance(tensors, dict) or not all(isinstance(value, Tensor) for value in tensors.values()):
        raise WeightsError(f"{path} does not hold named tensors alone; save the network's state_dict.")
    return tensors


def load_weights(network: nn.Module, path: Path) -> None:
    """Give a network the weights of a file, as 32-bit floats.

    Raises:
        WeightsNotFoundError: There is no such file.
        WeightsError: It is broken, or holds another network's weights.
    """
    state = read_state_dict(path)
    try:
        network.load_state_dict({name: value.float() for name, value in state.items()})
    except RuntimeError as error:
        kind = type(network).__name__
        raise WeightsError(f"{path} does not hold weights of {kind}: {error}") from error
