"""Large files over unreliable lines: continued where they broke off, and there entirely or not at all.

Until it is complete and checked, a file is called `<name>.part`. Whoever writes it holds a lock on it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO

import httpx

from models.weights_files import file_sha256
from scripts.errors import DownloadError

_ATTEMPTS_WITHOUT_PROGRESS = 4
_TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Promised:
    """What a file must be.

    Attributes:
        size_bytes: Its length.
        sha256: Its checksum, hexadecimal.
    """

    size_bytes: int
    sha256: str

    def is_at(self, path: Path) -> bool:
        """Whether the file is there and what it must be."""
        return path.is_file() and path.stat().st_size == self.size_bytes and file_sha256(path) == self.sha256


def download(
    url: str,
    target: Path,
    promised: Promised,
    *,
    on_progress: Callable[[int], None],
    pause_s: float = 1.0,
) -> None:
    """Fetch a file, continuing an earlier attempt; does nothing if it is there.

    Args:
        url: Of the file; redirects are followed.
        target: Where it will lie; folders are made.
        promised: What it must be.
        on_progress: Told the number of bytes that are here, now and then.
        pause_s: Pause after a first failure in seconds; later ones are longer.

    Raises:
        DownloadError: The server refuses, breaks off too often or sends something else; something else lies
            at the target; the disk is too small; or somebody else fetches the same file.
    """
    if target.exists():
        if not promised.is_at(target):
            raise DownloadError(f"{target} is not the published file. Remove it to fetch it anew.")
        on_progress(promised.size_bytes)
        return
    part = target.with_name(f"{target.name}.part")
    target.parent.mkdir(parents=True, exist_ok=True)
    with _locked(part) as file:
        _check_space(target.parent, promised.size_bytes - file.tell())
        _complete(url, file, promised, on_progress, pause_s)
        os.fsync(file.fileno())
        if not promised.is_at(part):
            file.truncate(0)
            raise DownloadError(
                f"{url} did not give the published file: its SHA-256 is another. What came was removed; "
                "run the command again, and if it happens again, do not trust the address."
            )
        part.replace(target)


@contextmanager
def _locked(part: Path) -> Iterator[BinaryIO]:
    """Open a file to append to it, alone; an empty one is not left behind."""
    with part.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DownloadError(f"{part} is being fetched by somebody else.") from None
        try:
            yield file
        finally:
            file.flush()
            if os.fstat(file.fileno()).st_size == 0:
                part.unlink()


def _check_space(folder: Path, missing_bytes: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < missing_bytes:
        raise DownloadError(
            f"{folder} has {free / 1e6:.0f} MB left, {missing_bytes / 1e6:.0f} MB are needed. "
            "Make space, or choose another folder with --folder."
        )


def _complete(
    url: str, file: BinaryIO, promised: Promised, on_progress: Callable[[int], None], pause_s: float
) -> None:
    """Append what is missing; a broken connection is tried again as long as that brings bytes."""
    failures = 0
    with httpx.Client(follow_redirects=True, timeout=_TIMEOUT_S) as client:
        while (before := file.tell()) != promised.size_bytes:
            try:
                _append(client, url, file, promised.size_bytes, on_progress)
            except httpx.TransportError as error:
                file.flush()
                failures = 1 if file.tell() > before else failures + 1
                if failures >= _ATTEMPTS_WITHOUT_PROGRESS:
                    raise DownloadError(
                        f"{url} cannot be reached, or broke off: {error or type(error).__name__}. "
                        f"{file.tell() / 1e6:.0f} MB are here; run the command again to continue."
                    ) from error
                time.sleep(pause_s * 2 ** (failures - 1))
        file.flush()
    on_progress(file.tell())


def _append(
    client: httpx.Client, url: str, file: BinaryIO, size_bytes: int, on_progress: Callable[[int], None]
) -> None:
    """Ask once for what is missing and append what comes."""
    start = file.tell() if file.tell() < size_bytes else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    with client.stream("GET", url, headers=headers) as response:
        if response.status_code == HTTPStatus.OK:
            start = 0  # this server ignores ranges
        elif response.status_code != HTTPStatus.PARTIAL_CONTENT or not _begins_at(start, response):
            asked = f", asked for what follows {start} bytes" if start else ""
            raise DownloadError(f"{url} answered {response.status_code} {response.reason_phrase}{asked}.")
        announced = start + int(response.headers.get("Content-Length", size_bytes - start))
        if announced != size_bytes:
            raise DownloadError(
                f"{url} is not the published file: {announced} bytes instead of {size_bytes}."
            )
        file.truncate(start)
        file.seek(start)
        for chunk in response.iter_raw():
            file.write(chunk)
            on_progress(file.tell())
            if file.tell() > size_bytes:
                raise DownloadError(f"{url} is not the published file: it is longer.")


def _begins_at(start: int, response: httpx.Response) -> bool:
    content_range: str = response.headers.get("Content-Range", "")
    return content_range.startswith(f"bytes {start}-")
