"""Command line options that several scripts share, and how they end on an error."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from models.errors import MaskloopError


@contextmanager
def errors_to_exit() -> Iterator[None]:
    """End the program with the message of an error the project raises on purpose, and status 1."""
    try:
        yield
    except MaskloopError as error:
        print(f"Error: {error}", file=sys.stderr)
        raise SystemExit(1) from None
