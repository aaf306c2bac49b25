"""Command line options that several scripts share, and how they end on an error."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from models.errors import MaskloopError


@contextmanager
def errors_to_exit() -> Iterator[None]:
    """End the program with the message of an error the project raises on purpose, and status 1."""
    try:
        yield
    except MaskloopError as error:
        print(f"Error: {error}", file=sys.stderr)
        raise SystemExit(1) from None


def in_existing_folder(file: Path | None) -> Path | None:
    """Refuse a file to write whose folder does not exist, before hours are spent on what it shall hold.

    Raises:
        BadParameter: There is no such folder.
    """
    if file is not None and not file.resolve().parent.is_dir():
        raise typer.BadParameter(f"{file.resolve().parent} is not a folder.")
    return file
