"""What networks run on."""

from __future__ import annotations

import torch


def best_device() -> torch.device:
    """The GPU if torch sees one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def bf16_is_fast(device: torch.device) -> bool:
    """Whether 16-bit matrix products are faster than 32-bit ones: on GPUs since Ampere and CPUs with AMX.

    On CPUs without AMX they are several times slower.
    """
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    return torch.cpu._is_amx_tile_supported()
