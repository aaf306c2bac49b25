"""The work of scripts.prepare_images: from a folder of files to pictures, tasks and a contact sheet.

Files are shared out among threads: reading, enhancing and writing happen in libraries that let other threads
run. What a thread holds is one picture; the record and the progress bar have locks of their own.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2

from models.errors import ImageError, MaskloopError
from models.training.atomic_files import write_atomically
from scripts.errors import PrepareError
from scripts.preparing.places import Addresses, picture_name
from scripts.preparing.record import Record
from scripts.preparing.steps import Recipe, finished, views_of
from scripts.source_files import kind_of
from scripts.source_files.base import SourceFile, SourceOptions, SourcePicture

TASKS, SHEET, RECORD = "tasks.json", "contact-sheet.jpg", "prepared.jsonl"
_FORM = 1
"""Raised when the same options make other pictures."""
_JPEG = [cv2.IMWRITE_JPEG_QUALITY, 95]


@dataclass(frozen=True)
class PrepareOptions:
    """What is wanted.

    Attributes:
        addresses: Where files are, where pictures go, and how tasks name them.
        recipe: How pictures are enhanced.
        reading: How files are read.
        jpeg: Whether pictures are written as JPEG, which is smaller and not exact.
        workers: Files that are prepared at the same time.
    """

    addresses: Addresses
    recipe: Recipe
    reading: SourceOptions
    jpeg: bool
    workers: int

    @property
    def digest(self) -> str:
        """Changes with everything that decides what is written for a file."""
        said = (_FORM, self.recipe, self.reading, self.jpeg, self.addresses)
        return hashlib.sha256(repr(said).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Source:
    """A file to prepare.

    Attributes:
        name: Its path in the source folder, with slashes.
        kind: How it is read.
        key: Changes with its content and with the options.
    """

    name: str
    kind: type[SourceFile]
    key: str


@dataclass(frozen=True)
class Found:
    """What is in the source folder.

    Attributes:
        sources: The files with pictures, by name.
        n_others: How many files have none.
        problems: What is wrong with files, by their names.
    """

    sources: tuple[Source, ...]
    n_others: int
    problems: Mapping[str, str]


def find(options: PrepareOptions) -> Found:
    """List the files of the source folder and of the folders in it; hidden ones and the target are left out.

    Raises:
        PrepareError: There is no file with pictures.
    """
    sources, problems = [], {}
    n_others = 0
    for path in _files(options.addresses.source, options.addresses.target.resolve()):
        name = path.relative_to(options.addresses.source).as_posix()
        try:
            name.encode()
            stamp = path.stat()
            if not stat.S_ISREG(stamp.st_mode):  # a pipe would be waited for
                continue
            kind = kind_of(path)
        except UnicodeEncodeError:
            problems[ascii(name)] = "Its name is not UTF-8: rename it."
            continue
        except OSError as error:
            problems[name] = f"It cannot be read: {error.strerror}."
            continue
        if kind is None:
            n_others += 1
        else:
            sources.append(Source(name, kind, f"{stamp.st_size}-{stamp.st_mtime_ns}-{options.digest}"))
    if not sources and not problems:
        raise PrepareError(
            f"{options.addresses.source} has no TIFF, PNG, JPEG, DICOM, NIfTI or video file in it."
        )
    return Found(tuple(sources), n_others, problems)


def _files(folder: Path, target: Path) -> Iterator[Path]:
    for at, folders, names in os.walk(folder):
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and (Path(at) / name).resolve() != target
        )
        yield from (Path(at) / name for name in sorted(names) if not name.startswith("."))


class Preparing:
    """Prepares the files of one round. Its methods are called by one thread.

    Args:
        options: What is wanted.
        record: What is prepared already.
    """

    def __init__(self, options: PrepareOptions, record: Record) -> None:
        self._options = options
        self._record = record
        self._stop = threading.Event()

    def is_done(self, source: Source) -> bool:
        """Whether all pictures of a file are there."""
        known = self._record.pictures(source.name, source.key)
        return self._record.is_whole(source.name, source.key) and all(map(self._is_there, known.values()))

    def count(self, source: Source) -> int:
        """How many pictures a file has.

        Raises:
            MaskloopError: It is damaged, or a package that reads it is not installed.
        """
        return self._opened(source).count()

    def prepare(self, sources: list[Source], on_picture: Callable[[], None]) -> Iterator[tuple[Source, str]]:
        """Prepare files.

        Args:
            sources: The files.
            on_picture: Called after each picture, by several threads.

        Yields:
            Each file when it is done, with what is wrong with it; "" if nothing is.
        """
        with ThreadPoolExecutor(self._options.workers) as pool:
            waiting = {pool.submit(self._prepare, each, on_picture): each for each in sources}
            try:
                for future in as_completed(waiting):
                    yield waiting[future], future.result()
            finally:
                self._stop.set()
                pool.shutdown(cancel_futures=True)

    def tasks(self, sources: tuple[Source, ...]) -> list[Mapping[str, Any]]:
        """What was written for all pictures of these files, in their order; see `_write`."""
        return [
            about
            for source in sources
            for about in self._record.pictures(source.name, source.key).values()
            if self._is_there(about)
        ]

    def _prepare(self, source: Source, on_picture: Callable[[], None]) -> str:
        known = self._record.pictures(source.name, source.key)
        there = {number for number, about in known.items() if self._is_there(about)}
        try:
            for picture in self._opened(source).pictures(lambda number: number not in there):
                self._record.add(source.name, source.key, picture.number, self._write(source, picture))
                on_picture()
                if self._stop.is_set():
                    return ""
        except MaskloopError as error:
            return str(error)
        self._record.add_whole(source.name, source.key)
        return ""

    def _opened(self, source: Source) -> SourceFile:
        return source.kind(self._options.addresses.source / source.name, self._options.reading)

    def _is_there(self, about: Mapping[str, Any]) -> bool:
        return all((self._options.addresses.target / name).is_file() for name in about["files"])

    def _write(self, source: Source, picture: SourcePicture) -> dict[str, Any]:
        """Write what is shown of a picture.

        Returns:
            `files`, their paths in the target, and `data`, the task's.
        """
        addresses = self._options.addresses
        views = views_of(picture, self._options.recipe)
        name, ending = picture_name(source.name, picture.place), ".jpg" if self._options.jpeg else ".png"
        files = {"image": (f"{name}{ending}", views.plain)}
        if views.enhanced is not None:
            files["enhanced"] = (f"{name}.enhanced{ending}", views.enhanced)
        data: dict[str, Any] = {}
        for field, (file, steps) in files.items():
            self._encode(addresses.target / file, picture, steps)
            data[field] = addresses.shown(file)
        if picture.sequence is not None or picture.place:
            data["sequence"] = picture.sequence or "#".join(filter(None, [source.name, picture.part]))
            data["frame"] = picture.number if picture.frame is None else picture.frame
        height, width = picture.shown.shape[:2]
        data |= {
            "original": addresses.original(source.name, picture.place),
            "orientation": picture.orientation,
            "width": width,
            "height": height,
        }
        data |= {
            "steps" if field == "image" else f"{field}_steps": steps for field, (_, steps) in files.items()
        }
        return {"files": [file for file, _ in files.values()], "data": data}

    def _encode(self, path: Path, picture: SourcePicture, steps: str) -> None:
        image = finished(picture, steps)
        for_opencv = image if image.ndim == 2 else image[:, :, ::-1]
        try:
            encoded = cv2.imencode(path.suffix, for_opencv, _JPEG if self._options.jpeg else [])[1]
        except cv2.error as error:
            raise ImageError(f"A picture cannot be written as {path.suffix}: {error.err}.") from error
        make_folder(path.parent)
        write_atomically(path, encoded.tobytes())


def make_folder(path: Path) -> None:
    """Make a folder, with those above it.

    Raises:
        PrepareError: Something is in the way, or it may not be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PrepareError(f"The folder {path} cannot be made: {error.strerror}.") from error


def write_tasks(path: Path, written: list[Mapping[str, Any]]) -> None:
    """Write the tasks in the form that Label Studio imports."""
    tasks = [{"data": about["data"]} for about in written]
    write_atomically(path, json.dumps(tasks, indent=1, ensure_ascii=False).encode())


def kinds(sources: tuple[Source, ...]) -> Counter[str]:
    """How many files there are of each kind."""
    return Counter(source.kind.kind for source in sources)
