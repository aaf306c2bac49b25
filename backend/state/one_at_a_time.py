"""Work that only one process may do at a time."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backend.errors import QueueRoundError


@contextmanager
def one_at_a_time(path: Path, what: str) -> Iterator[None]:
    """Keep others away until the block ends, or the process.

    Args:
        path: A file that all of them name; made with its folder.
        what: What they do, for the message: "orders project 3".

    Raises:
        QueueRoundError: Another process is at it, or the file cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a")
    except OSError as error:
        raise QueueRoundError(f"{path} cannot be used: {error.strerror}. Allow writing there.") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise QueueRoundError(f"Another process {what}. Wait until it ends, or stop it.") from None
        yield
