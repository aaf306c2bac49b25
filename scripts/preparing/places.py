"""What prepared pictures are called, and the addresses that tasks know them and their originals by."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import parse_qs, quote, unquote, urlsplit

from scripts.errors import PrepareError

LOCAL_FILES = "/data/local-files/"
_DIGITS = 5
_PLACE = re.compile(r"[a-z]+=[0-9]{1,9}(&[a-z]+=[0-9]{1,9})*")


@dataclass(frozen=True)
class Addresses:
    """Where the browser, and models, find pictures.

    Attributes:
        source: Folder of the originals.
        target: Folder of the prepared pictures.
        root: Label Studio's LOCAL_FILES_DOCUMENT_ROOT.
        prefix: What the address of a prepared picture begins with, before its path in `target`; None for
            Label Studio's local files.
        original_prefix: The same for an original, before its path in `source`; None for local files, or a
            file:// address if it lies outside the root.
    """

    source: Path
    target: Path
    root: Path
    prefix: str | None = None
    original_prefix: str | None = None

    def check(self) -> None:
        """Refuse a target that Label Studio does not reach.

        Raises:
            PrepareError: It is not below the root, and no prefix is given.
        """
        if self.prefix is None and self.root not in self.target.resolve().parents:
            raise PrepareError(
                f"{self.target.resolve()} is not below {self.root}, from where Label Studio serves files. "
                "Choose a folder inside it, set MASKLOOP_LOCAL_FILES_ROOT to Label Studio's "
                "LOCAL_FILES_DOCUMENT_ROOT, or give --url-prefix."
            )

    def shown(self, name: str) -> str:
        """Address of a prepared picture.

        Args:
            name: Its path in the target.
        """
        if self.prefix is not None:
            return self.prefix + quote(name)
        return self._local_file(self.target.resolve() / name)

    def original(self, name: str, place: str) -> str:
        """Address of an original.

        Args:
            name: The file's path in the source.
            place: Where the picture is in the file; becomes the address's fragment.
        """
        path = self.source.resolve() / name
        if self.original_prefix is not None:
            address = self.original_prefix + quote(name)
        else:
            address = self._local_file(path) if self.root in path.parents else path.as_uri()
        return f"{address}#{place}" if place else address

    def _local_file(self, path: Path) -> str:
        return f"{LOCAL_FILES}?d={quote(path.relative_to(self.root).as_posix())}"


def picture_name(file: str, place: str) -> str:
    """The name of what is made from one picture of a file, without its ending.

    Args:
        file: The file's path, with its ending: pictures of `a.jpg` and `a.png` are two.
        place: Where the picture is in the file.
    """
    return ".".join([file, *(_part(part) for part in place.split("&") if part)])


def _part(part: str) -> str:
    """`page=3` as `page-00003`, so that names sort as pages do; of the three axes each is one letter."""
    key, _, number = part.partition("=")
    return f"{key}-{number if key == 'axis' else number.zfill(_DIGITS)}"


def named_by_address(address: str) -> str:
    """The name of what is made for an original whose address a task has, without its ending.

    Args:
        address: As `Addresses.original` makes it, or any other; nothing in it leads out of a folder.
    """
    parts = urlsplit(address)
    path = unquote(parts.path)
    if path == LOCAL_FILES:
        path = parse_qs(parts.query).get("d", [""])[-1]
    steps = [step for step in PurePosixPath(path.replace("\\", "/")).parts if step not in ("/", "..")]
    place = parts.fragment if _PLACE.fullmatch(parts.fragment) else ""
    return picture_name("/".join(steps), place)
