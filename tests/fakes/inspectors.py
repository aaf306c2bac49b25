"""What inspects projects in another process, for tests of those who run it. It leaves notes in a folder."""

from __future__ import annotations

import os
import time
from pathlib import Path

from backend.errors import LabelStudioError
from backend.services.inspection_process import InspectProject

AWAY, BROKEN, DEADLY, SLOW = 91, 92, 93, 94
"""Projects that fail on purpose, by accident, with the process, and one that waits for `GO_ON`."""
GO_ON = "go on"
"""File among the notes."""


def noting(notes: Path) -> InspectProject:
    """One that notes its process for each project."""

    def inspect(project_id: int) -> int:
        with (notes / f"{project_id}").open("a", encoding="utf-8") as file:
            file.write(f"{os.getpid()}\n")
        if project_id == AWAY:
            raise LabelStudioError("Label Studio is away.")
        if project_id == BROKEN:
            raise RuntimeError("broken")
        if project_id == DEADLY:
            os._exit(7)
        while project_id == SLOW and not (notes / GO_ON).exists():
            time.sleep(0.01)
        return 1

    return inspect
