"""Rows of figures in a file, so that a long measurement that was stopped goes on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from models.errors import TrainingRunError
from models.training.atomic_files import write_atomically
from scripts.machine import describe_machine
from scripts.options import in_existing_folder

Row = dict[str, Any]
RowsInto = Annotated[
    Path | None,
    typer.Option("--json", callback=in_existing_folder, help="Write rows here; a stopped run goes on."),
]


class RowFile:
    """The rows of one command; what was written by another one is not touched.

    Args:
        path: The file; None keeps the rows in memory only.
        how: What the rows depend on, plain JSON values.

    Raises:
        TrainingRunError: The file holds something else, or rows of other options.
    """

    def __init__(self, path: Path | None, how: Mapping[str, Any]) -> None:
        self._path = path
        self._how = dict(how)
        self.rows: list[Row] = self._read(path) if path is not None and path.is_file() else []

    def add(self, rows: Sequence[Row]) -> None:
        """Add rows and write the file anew."""
        self.rows += rows
        if self._path is not None:
            content = {"machine": describe_machine(), "how": self._how, "rows": self.rows}
            write_atomically(self._path, json.dumps(content, indent=1).encode())

    def _read(self, path: Path) -> list[Row]:
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            rows, was = content["rows"], content["how"]
        except (ValueError, KeyError, TypeError) as error:
            raise TrainingRunError(
                f"{path} is not a result of this command ({error!r}); delete it, or give another --json file."
            ) from error
        if was != self._how:
            raise TrainingRunError(f"{path} was made with other options: {was}. Give another --json file.")
        return list(rows)
