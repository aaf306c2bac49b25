"""Weights that are fetched instead of shipped: which there are, and where they lie."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from models.errors import UnknownNameError

FOLDER = "weights"
"""Name of the folder of fetched weights inside the state folder."""
_CHUNK = 2**20


@dataclass(frozen=True)
class WeightsFile:
    """Published weights.

    Attributes:
        name: What scripts and settings call them.
        file_name: Name of the file, as published.
        url: Where they are downloaded from.
        size_bytes: Length of the file.
        sha256: Checksum of the file, hexadecimal.
        licence: SPDX identifier.
        page: Where licence and origin can be read.
    """

    name: str
    file_name: str
    url: str
    size_bytes: int
    sha256: str
    licence: str
    page: str


def _sam(name: str, file_name: str, size_bytes: int, sha256: str) -> WeightsFile:
    url = f"https://dl.fbaipublicfiles.com/segment_anything/{file_name}"
    page = "https://github.com/facebookresearch/segment-anything"
    return WeightsFile(name, file_name, url, size_bytes, sha256, "Apache-2.0", page)


# Meta publishes no checksums. These are what many projects that verify their downloads have written down.
WEIGHTS_FILES = (
    _sam(
        "sam-vit-b",
        "sam_vit_b_01ec64.pth",
        375_042_383,
        "ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912",
    ),
    _sam(
        "sam-vit-l",
        "sam_vit_l_0b3195.pth",
        1_249_524_607,
        "3adcc4315b642a4d2101128f611684e8734c41232a17c648ed1693702a49a622",
    ),
    _sam(
        "sam-vit-h",
        "sam_vit_h_4b8939.pth",
        2_564_550_879,
        "a7bf3b02f3ebf1267aba913ff637d9a2d5c33d3173bb679e46d9f338c26f262e",
    ),
)


def weights_file(name: str) -> WeightsFile:
    """The published weights of that name.

    Raises:
        UnknownNameError: There are none.
    """
    for file in WEIGHTS_FILES:
        if file.name == name:
            return file
    raise UnknownNameError("weights file", name, (file.name for file in WEIGHTS_FILES))


def weights_path(name_or_path: str, folder: Path) -> Path:
    """Where weights lie.

    Args:
        name_or_path: A name of published weights, or the path of any file.
        folder: Of the published weights.
    """
    for file in WEIGHTS_FILES:
        if file.name == name_or_path:
            return folder / file.file_name
    return Path(name_or_path).expanduser()


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's content, hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def remedy(path: Path) -> str:
    """What to do about weights that are missing at a path, as a sentence."""
    for file in WEIGHTS_FILES:
        if file.file_name == path.name:
            return f"Fetch them with: python -m scripts.fetch_weights {file.name}"
    names = ", ".join(file.name for file in WEIGHTS_FILES)
    return f"Give the path of a file that exists, or a name that scripts.fetch_weights knows: {names}."
