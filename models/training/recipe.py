"""What a click model is trained on, and in which proportions: a JSON file that is kept with the weights."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from models.errors import DataFolderError
from models.training.samples import DataFolder

_HELD_OUT_IN = 12
"""One in so many groups of pictures is held out for validation."""


@dataclass(frozen=True)
class FolderUse:
    """How one folder is used.

    Attributes:
        weight: Share of its crops, relative to the other folders'.
        as_components: Its masks hold classes; connected components are the objects.
        whole_share: Share of pictures in which everything that touches is one object.
        leave_out_last: So many stems at the end of the sorted list are never used.
        licensed_only: Use only stems "<set>_..." of sets that its sets.json allows to train shipped weights.
    """

    weight: float = 1.0
    as_components: bool = False
    whole_share: float = 0.0
    leave_out_last: int = 0
    licensed_only: bool = False


@dataclass(frozen=True)
class Mixture:
    """What crops are mixed with.

    Attributes:
        drawn_share: Share of crops from procedurally drawn pictures.
        paste_share: Share of crops into which an object of another crop is pasted.
    """

    drawn_share: float = 0.08
    paste_share: float = 0.15


@dataclass(frozen=True)
class Recipe(Mixture):
    """The proportions of all sources of crops.

    Attributes:
        folders: By the folder's name; a folder that is not named is used with weight 1.
    """

    folders: dict[str, FolderUse] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Recipe:
        """Read a JSON file with the attributes' names as keys.

        Raises:
            DataFolderError: It is not JSON, or has a key that is unknown here.
        """
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            folders = {name: FolderUse(**use) for name, use in content.pop("folders", {}).items()}
            return cls(folders=folders, **content)
        except (OSError, ValueError, TypeError, AttributeError) as error:
            known = ", ".join(entry.name for entry in (*fields(cls), *fields(FolderUse)))
            raise DataFolderError(f"{path} is no recipe ({error}); known keys: {known}.") from error


@dataclass(frozen=True, eq=False)
class Source:
    """Pictures of one kind.

    Attributes:
        folder: Where they are.
        use: How they are used.
        weight: Share of crops, relative to the other sources'.
        stems: For training.
        held_out: For validation; no group is in both.
    """

    folder: DataFolder
    use: FolderUse
    weight: float
    stems: tuple[str, ...]
    held_out: tuple[str, ...]


def sources(paths: Sequence[Path], recipe: Recipe) -> list[Source]:
    """Open the folders; one whose sets.json names several sets becomes a source for each.

    Sets of one folder are weighted by the square root of their number of pictures.

    Raises:
        DataFolderError: A folder has no pairs of files, or its sets.json is missing or wrong.
    """
    found = []
    for path in paths:
        use = recipe.folders.get(path.name, FolderUse())
        folder = DataFolder(path, as_components=use.as_components)
        groups = folder.groups()
        stems = folder.stems[: len(folder.stems) - use.leave_out_last]
        kinds = _allowed_sets(path, stems) if use.licensed_only else [stems]
        total = sum(len(kind) ** 0.5 for kind in kinds)
        for kind in kinds:
            held_out = tuple(stem for stem in kind if zlib.crc32(groups[stem].encode()) % _HELD_OUT_IN == 0)
            training = tuple(stem for stem in kind if stem not in set(held_out))
            weight = use.weight * len(kind) ** 0.5 / total
            found.append(Source(folder, use, weight, training, held_out))
    return found


def _allowed_sets(path: Path, stems: Sequence[str]) -> list[tuple[str, ...]]:
    try:
        sets: dict[str, dict[str, Any]] = json.loads((path / "sets.json").read_text(encoding="utf-8"))
        allowed = [name for name, facts in sets.items() if facts["may_train_shipped_weights"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataFolderError(f"{path / 'sets.json'} does not say what may be used: {error!r}.") from error
    kinds = [tuple(stem for stem in stems if stem.rpartition("_")[0] == name) for name in allowed]
    return [kind for kind in kinds if kind]
