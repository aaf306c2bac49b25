"""How long a training has really worked, so that a busy machine does not make it a worse one."""

from __future__ import annotations

import time

import torch

_LONGEST = 1.5
"""So many times its time a training may take because others use the cores."""


class Effort:
    """Counts from when it is made."""

    def __init__(self) -> None:
        self._wall = time.monotonic()
        self._cpu = time.process_time()

    def seconds(self) -> float:
        """Time in which this process had its cores; at least two thirds of the time on the wall."""
        wall = time.monotonic() - self._wall
        cpu = (time.process_time() - self._cpu) / torch.get_num_threads()
        return max(wall / _LONGEST, min(wall, cpu))
