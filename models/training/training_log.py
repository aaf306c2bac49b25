"""Figures of a training over its steps, as TensorBoard reads them."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType


class TrainingLog:
    """Writes figures if tensorboardX (extra `train`) is installed and it is enabled; otherwise nothing."""

    def __init__(self, folder: Path, *, enabled: bool) -> None:
        self._writer = None
        if enabled and importlib.util.find_spec("tensorboardX") is not None:
            from tensorboardX import SummaryWriter

            self._writer = SummaryWriter(str(folder))

    def add(self, step: int, figures: Mapping[str, float]) -> None:
        """Note the figures of a step."""
        if self._writer is not None:
            for name, value in figures.items():
                self._writer.add_scalar(name, value, step)

    def __enter__(self) -> TrainingLog:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write what is still to be written."""
        if self._writer is not None:
            self._writer.close()
