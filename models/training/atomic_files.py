"""Files that are there as a whole or not at all, whenever a process is stopped."""

from __future__ import annotations

import os
from pathlib import Path

from models.errors import TrainingRunError


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file in one step. What was there before stays if that fails.

    Raises:
        TrainingRunError: It cannot be written, for example because the disk is full.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise TrainingRunError(
            f"{path} cannot be written ({error.strerror}). What was saved before is still there: "
            "make room, then go on with the same command."
        ) from error
