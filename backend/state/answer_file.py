"""Predictions that wait for their import, on disk: a stopped run finds what it had finished.

One JSON line for each task, under a first line that says what the answers depend on. The file grows by whole
lines; only the last can be damaged by a kill or a full disk, and then it is dropped. A lock that ends with
the process keeps a second run away.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from io import BufferedRandom, BufferedReader
from pathlib import Path
from types import TracebackType
from typing import Any

from backend.errors import PrelabelRoundError

_SYNC_EVERY_S = 2.0


class AnswerFile:
    """The answers of one version in one project. Used by one thread, inside a `with` block.

    Args:
        path: The file; made with its folder when the block begins.
        basis: What the answers depend on apart from their tasks. Answers with another basis are thrown away.
        looking: Whether the block only looks: then nothing is made, thrown away or locked.
    """

    def __init__(self, path: Path, basis: str, *, looking: bool = False) -> None:
        self._path = path
        self._looking = looking
        self._first_line = _line({"basis": basis})
        self._places: dict[int, tuple[str, int, int]] = {}
        self._synced_at = time.monotonic()
        self._file: BufferedRandom | BufferedReader

    def __enter__(self) -> AnswerFile:
        """Open the file and read what is finished.

        Raises:
            PrelabelRoundError: Another process has it open, or it cannot be read or written.
        """
        try:
            if self._looking:
                self._file = (self._path if self._path.is_file() else Path(os.devnull)).open("rb")
                self._read()
            else:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._file = os.fdopen(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600), "r+b")
                self._lock_and_read(self._file)
        except OSError as error:
            raise self._unusable(error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file; what was added is on the disk. A file without answers is removed."""
        if not self._places and not self._looking:
            self.delete()
        if not self._file.closed:
            self._file.close()

    def has(self, task_id: int, digest: str) -> bool:
        """Whether there is an answer for the task as it is now.

        Args:
            task_id: Its number.
            digest: Changes with its data.
        """
        return task_id in self._places and self._places[task_id][0] == digest

    @property
    def task_ids(self) -> frozenset[int]:
        """Numbers of the tasks that have an answer."""
        return frozenset(self._places)

    def add(self, task_id: int, digest: str, prediction: Mapping[str, Any]) -> None:
        """Append an answer; it survives a kill at once, and a power cut two seconds later.

        Args:
            task_id: The task's number.
            digest: Changes with the task's data.
            prediction: JSON.

        Raises:
            PrelabelRoundError: The disk is full or cannot be written.
        """
        line = _line({"task": task_id, "digest": digest, "prediction": prediction})
        try:
            start = self._file.seek(0, os.SEEK_END)
            self._file.write(line)
            self._file.flush()
            if time.monotonic() - self._synced_at >= _SYNC_EVERY_S:
                os.fsync(self._file.fileno())
                self._synced_at = time.monotonic()
        except OSError as error:
            self._file.raw.close()  # what is half written is not tried again
            raise self._unusable(error) from error
        self._places[task_id] = digest, start, len(line)

    def predictions(self, task_ids: Iterable[int]) -> Iterator[dict[str, Any]]:
        """The answers for these tasks, each as it was added."""
        for task_id in task_ids:
            _, start, length = self._places[task_id]
            self._file.seek(start)
            yield json.loads(self._file.read(length))["prediction"]

    def delete(self) -> None:
        """Remove the file: everything in it has arrived."""
        self._path.unlink(missing_ok=True)
        self._places.clear()
        self._file.close()

    def _lock_and_read(self, file: BufferedRandom) -> None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise PrelabelRoundError(
                f"Another run is at work on {self._path}. Wait until it ends, or stop it."
            ) from None
        end = self._read()
        file.seek(end)
        file.truncate()
        if end == 0:
            file.write(self._first_line)
            file.flush()

    def _read(self) -> int:
        """Find the answers; returns where the last whole line ends, 0 if the basis is another."""
        if self._file.readline() != self._first_line:
            return 0
        end = len(self._first_line)
        for line in self._file:
            entry = _parsed(line)
            if entry is None:
                break
            self._places[entry[0]] = entry[1], end, len(line)
            end += len(line)
        return end

    def _unusable(self, error: OSError) -> PrelabelRoundError:
        return PrelabelRoundError(
            f"{self._path} cannot be used: {error.strerror}. Free some space or allow writing, then run the "
            "command again; what was finished is kept."
        )


def _line(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, separators=(",", ":"), allow_nan=False).encode("ascii") + b"\n"


def _parsed(line: bytes) -> tuple[int, str] | None:
    """Task and digest of a line; None if it is damaged."""
    if not line.endswith(b"\n"):
        return None
    try:
        content = json.loads(line)
        task_id, digest, prediction = content["task"], content["digest"], content["prediction"]
    except (ValueError, KeyError, TypeError):
        return None
    whole = type(task_id) is int and isinstance(digest, str) and isinstance(prediction, dict)
    return (task_id, digest) if whole else None
