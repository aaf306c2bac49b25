"""The model store: folders of trained versions that never change, `<root>/<project>/<version>`.

A version is copied to a hidden folder beside the others, written through to the disk, and renamed: it is
there completely or not at all, whenever a process is killed or the disk is full. Publishers of one project
take turns by a lock on a file, which the operating system opens again when they die. So whoever holds the
lock may number versions, and knows that hidden folders are what the dead have left. Readers need no lock.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import re
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timezone
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from backend.errors import ModelStoreError
from backend.state.version_info import PREFIXES, VersionFacts, VersionInfo, read_version_info
from models.errors import UnknownNameError
from models.weights_files import file_sha256

__all__ = ["FILES", "MORE_FILES", "ModelStore", "VersionFacts", "VersionInfo"]

logger = logging.getLogger(__name__)

FILES = ("weights.safetensors", "network.json")
"""What makes up a model."""
MORE_FILES = ("folds.safetensors",)
"""What a model may have besides."""
_WEIGHTS = FILES[0]
_DESCRIPTION = "model.json"
_LOCK = ".lock"
_HIDDEN = ".unfinished-"
_NAME = re.compile(rf"(?:{'|'.join(PREFIXES.values())})-p([0-9]{{1,18}})-([0-9]{{1,9}})-[0-9a-f]{{8}}")


class ModelStore:
    """Publishes and finds versions. Safe between threads and processes, on one disk or a shared one.

    Args:
        root: Its folder; made when the first version is published.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def publish(self, project_id: int, source: Path, facts: VersionFacts) -> VersionInfo:
        """Store a model as the project's next version, for ever.

        Publishing the same model again, as a job does that was killed just after it, changes nothing.

        Args:
            project_id: Label Studio's number of the project.
            source: Folder with `FILES`, perhaps `MORE_FILES`; they are copied.
            facts: What is to be known about it.

        Returns:
            The new version, or the one of that kind and parent that has these files already.

        Raises:
            ModelStoreError: A file is missing, or the store cannot be written.
        """
        try:
            more = [name for name in MORE_FILES if (source / name).is_file()]
            sha256 = {name: file_sha256(source / name) for name in (*FILES, *more)}
            with self._publishing(project_id) as folder:
                for known in self.versions(project_id):
                    if (known.kind, known.parent, known.sha256) == (facts.kind, facts.parent, sha256):
                        return known
                info = _described(project_id, _next_number(folder), facts, sha256)
                _put(source, folder, info)
        except OSError as error:
            raise ModelStoreError(
                f"The model in {source} cannot be stored in {self._root}: {error}. Nothing was changed "
                "there; free some space or allow writing, then try again."
            ) from error
        logger.info("Published %s", info.name)
        return info

    def projects(self) -> tuple[int, ...]:
        """Numbers of the projects that have versions, ascending."""
        if not self._root.is_dir():
            return ()
        return tuple(sorted(int(path.name) for path in self._root.iterdir() if path.name.isdecimal()))

    def versions(self, project_id: int) -> tuple[VersionInfo, ...]:
        """The project's versions of all kinds, newest first. Damaged ones are left out and logged."""
        folder = self._root / str(project_id)
        names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
        found = (self._find_or_log(project_id, name) for name in names if _NAME.fullmatch(name))
        return tuple(sorted((info for info in found if info is not None), key=_number, reverse=True))

    def find(self, project_id: int, name: str) -> VersionInfo | None:
        """The project's version of that name, None when there is none.

        Args:
            project_id: Label Studio's number of the project.
            name: Anything; names that no version can have are not looked for.

        Raises:
            ModelStoreError: Its folder is damaged, as far as that can be seen without reading the weights.
        """
        match = _NAME.fullmatch(name)
        if match is None or int(match[1]) != project_id:
            return None
        folder = self._root / str(project_id) / name
        if not folder.is_dir():
            return None
        try:
            about = (folder / _DESCRIPTION).stat()
            info = _read(folder / _DESCRIPTION, about.st_mtime_ns, about.st_size)
        except (OSError, UnicodeDecodeError, ModelStoreError) as error:
            raise _damaged(folder, str(error)) from error
        if (info.name, info.project_id) != (name, project_id) or not _whole(info.sha256):
            raise _damaged(folder, f"{_DESCRIPTION} describes another version")
        missing = [file for file in info.sha256 if not (folder / file).is_file()]
        if missing:
            raise _damaged(folder, f"{' and '.join(missing)} cannot be found")
        return info

    def named(self, name: str) -> VersionInfo:
        """The version of that name, of whichever project.

        Raises:
            UnknownNameError: There is none; the message lists those of the project that the name speaks of.
            ModelStoreError: Its folder is damaged.
        """
        match = _NAME.fullmatch(name)
        projects = self.projects() if match is None else (int(match[1]),)
        for project_id in projects:
            info = self.find(project_id, name)
            if info is not None:
                return info
        known = [info.name for project_id in projects for info in self.versions(project_id)]
        raise UnknownNameError("model version", name, known)

    def folder(self, info: VersionInfo) -> Path:
        """Where the files of a version lie; nothing in it may be changed.

        Raises:
            ModelStoreError: A file is missing, or is not the one that was published.
        """
        folder = self._root / str(info.project_id) / info.name
        for name, sha256 in info.sha256.items():
            try:
                same = file_sha256(folder / name) == sha256
            except OSError as error:
                raise _damaged(folder, f"{name} cannot be read: {error}") from error
            if not same:
                raise _damaged(folder, f"{name} is not the file that was published")
        return folder

    def remove(self, info: VersionInfo) -> None:
        """Delete a version. The caller makes sure that nobody uses it.

        Raises:
            ModelStoreError: It cannot be deleted.
        """
        try:
            with self._publishing(info.project_id) as folder:
                if (folder / info.name).is_dir():
                    gone = folder / f"{_HIDDEN}{uuid.uuid4().hex}"
                    (folder / info.name).rename(gone)
                    shutil.rmtree(gone)
        except OSError as error:
            raise ModelStoreError(f"{info.name} cannot be deleted: {error}.") from error
        logger.info("Deleted %s", info.name)

    @contextmanager
    def _publishing(self, project_id: int) -> Iterator[Path]:
        """The project's folder, for this process alone to change."""
        folder = self._root / str(project_id)
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / _LOCK).open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # ends with the file, or with the process
            for left_over in folder.glob(f"{_HIDDEN}*"):
                shutil.rmtree(left_over)
            yield folder

    def _find_or_log(self, project_id: int, name: str) -> VersionInfo | None:
        try:
            return self.find(project_id, name)
        except ModelStoreError as error:
            logger.error("%s", error)
            return None


def _whole(files: Mapping[str, str]) -> bool:
    """Whether these files, and no unknown ones, make up a model."""
    return set(FILES) <= set(files) <= {*FILES, *MORE_FILES}


@lru_cache(maxsize=256)  # asked for with every request; may list thousands of examples
def _read(path: Path, changed_ns: int, size: int) -> VersionInfo:
    """Read a description; one that was tampered with is another one."""
    return read_version_info(path.read_text(encoding="utf-8"))


def _put(source: Path, folder: Path, info: VersionInfo) -> None:
    unfinished = folder / f"{_HIDDEN}{uuid.uuid4().hex}"
    unfinished.mkdir()
    try:
        for name in info.sha256:
            shutil.copyfile(source / name, unfinished / name)
        (unfinished / _DESCRIPTION).write_text(json.dumps(info.to_json(), indent=1) + "\n", encoding="utf-8")
        for path in (*unfinished.iterdir(), unfinished):
            _write_through(path)
        unfinished.rename(folder / info.name)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    for path in (folder, folder.parent):
        _write_through(path)


def _write_through(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _described(project_id: int, number: int, facts: VersionFacts, sha256: dict[str, str]) -> VersionInfo:
    return VersionInfo(
        **(vars(facts) | {"gate": _plain(facts.gate), "metrics": _plain(facts.metrics)}),
        name=f"{PREFIXES[facts.kind]}-p{project_id}-{number}-{sha256[_WEIGHTS][:8]}",
        project_id=project_id,
        number=number,
        created_at=datetime.now(timezone.utc),
        code_version=_code_version(),
        sha256=sha256,
    )


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values as they come back from a file; what is not a number becomes null, as JSON wants it."""
    plain: dict[str, Any] = json.loads(json.dumps(dict(values)), parse_constant=lambda _: None)
    return plain


def _next_number(folder: Path) -> int:
    """Damaged versions count as well."""
    matches = (_NAME.fullmatch(path.name) for path in folder.iterdir())
    return 1 + max((int(match[2]) for match in matches if match is not None), default=0)


def _number(info: VersionInfo) -> int:
    return info.number


def _code_version() -> str:
    try:
        return version("maskloop")
    except PackageNotFoundError:  # run from a checkout that is not installed
        return "unknown"


def _damaged(folder: Path, reason: str) -> ModelStoreError:
    return ModelStoreError(
        f"The model version {folder.name} is damaged: {reason}. Restore {folder} from a backup, or activate "
        "another version with python -m scripts.model_versions."
    )
