"""What is prepared already, so that a stopped command goes on, and an unchanged file is left alone.

One JSON line per picture and one per finished file, appended as they come; only the last line can be damaged
by a kill, and is dropped then. What is said about a file as it was, or with other options, counts no longer.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any

from models.training.atomic_files import write_atomically
from scripts.errors import PrepareError


@dataclass
class _Known:
    """What is known of one file: as which it was prepared, its pictures, and whether these are all."""

    key: str
    pictures: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    whole: bool = False


class Record:
    """The record in a folder of prepared pictures; one command at a time. Safe between threads.

    Args:
        path: The file.
        looking: Whether it is only looked at: then nothing is written or locked.
    """

    def __init__(self, path: Path, *, looking: bool = False) -> None:
        self._path = path
        self._looking = looking
        self._lock = Lock()
        self._files: dict[str, _Known] = {}

    def __enter__(self) -> Record:
        """Read it, and keep other commands away.

        Raises:
            PrepareError: Another command is at work there.
        """
        if self._looking:
            self._read()
            return self
        self._guard = os.open(self._path.parent, os.O_RDONLY)  # the file itself is replaced below
        try:
            fcntl.flock(self._guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._guard)
            raise PrepareError(
                f"Another command prepares pictures in {self._path.parent}. Wait until it ends, or stop it."
            ) from None
        self._read()
        write_atomically(self._path, b"".join(self._lines()))  # without what counts no longer
        self._appending = self._path.open("ab")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it; what was added is in the file."""
        if not self._looking:
            self._appending.close()
            os.close(self._guard)

    def pictures(self, file: str, key: str) -> Mapping[int, Mapping[str, Any]]:
        """What was added for the pictures of a file, by their numbers; nothing if the key has changed."""
        with self._lock:
            known = self._files.get(file)
            return dict(sorted(known.pictures.items())) if known is not None and known.key == key else {}

    def is_whole(self, file: str, key: str) -> bool:
        """Whether all pictures of a file were added under this key."""
        with self._lock:
            known = self._files.get(file)
            return known is not None and known.key == key and known.whole

    def add(self, file: str, key: str, number: int, about: Mapping[str, Any]) -> None:
        """Add a picture.

        Args:
            file: The file.
            key: Changes with the file and the options.
            number: The picture's number in it.
            about: JSON.
        """
        self._append({"file": file, "key": key, "picture": number, "about": about})

    def add_whole(self, file: str, key: str) -> None:
        """Say that all pictures of a file were added."""
        self._append({"file": file, "key": key})

    def _append(self, entry: Mapping[str, Any]) -> None:
        with self._lock:
            self._take(entry)
            self._appending.write(_line(entry))
            self._appending.flush()

    def _read(self) -> None:
        if not self._path.is_file():
            return
        with self._path.open("rb") as file:
            for line in file:
                try:
                    self._take(json.loads(line))
                except (ValueError, KeyError, TypeError):
                    break

    def _take(self, entry: Mapping[str, Any]) -> None:
        known = self._files.get(entry["file"])
        if known is None or known.key != entry["key"]:
            known = self._files[entry["file"]] = _Known(entry["key"])
        if "picture" in entry:
            known.pictures[int(entry["picture"])] = dict(entry["about"])
        else:
            known.whole = True

    def _lines(self) -> Iterator[bytes]:
        for name, known in self._files.items():
            for number, about in known.pictures.items():
                yield _line({"file": name, "key": known.key, "picture": number, "about": about})
            if known.whole:
                yield _line({"file": name, "key": known.key})


def _line(entry: Mapping[str, Any]) -> bytes:
    return json.dumps(entry, separators=(",", ":")).encode("ascii") + b"\n"
