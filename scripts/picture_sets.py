"""Pictures with masks that evaluations learn from and ask about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from models.label_schema import LabelSchema
from models.training.examples import Example
from models.training.samples import DataFolder
from scripts.errors import NothingMeasuredError

OBJECT = "object"
_GROUP_FILES = {"sequence": "sequences.json", "group": "groups.json"}
_SPLIT_SEED = 0
_LARGEST_TEST_SHARE = 0.4
_FEWEST_TEST = 2
"""Correlations need two pictures."""

Masks = Annotated[str, typer.Option(help="What numbers in masks are: objects or classes.")]
GroupBy = Annotated[
    str,
    typer.Option(
        help="Keep together what belongs together: sequence, group, auto (either, if there) or none."
    ),
]
Last = Annotated[int | None, typer.Option(min=5, help="Only the last N pictures by name.")]
AskedAbout = Annotated[int, typer.Option(min=2, help="Pictures that are asked about, about.")]


@lru_cache(maxsize=4)
def open_folder(path: Path) -> DataFolder:
    """The folder, listed once: thousands of names take a tenth of a second each time."""
    return DataFolder(path)


@lru_cache(maxsize=4)
def _groups_of(path: Path) -> dict[str, str]:
    return open_folder(path).groups()


@dataclass(frozen=True)
class PictureSet:
    """Pictures with masks, and how to read them.

    Attributes:
        path: Folder with images/ and masks/.
        class_masks: Whether the numbers in the masks are classes; else each number is an object.
        grouped: Whether groups.json or sequences.json says which pictures belong together.
        last: Only so many, the last by name; None takes all.
    """

    path: Path
    class_masks: bool
    grouped: bool
    last: int | None = None

    def groups(self) -> dict[str, str]:
        """The group of each picture; a picture that belongs to no other is a group of its own.

        Raises:
            DataFolderError: There are no pictures with masks.
        """
        folder = open_folder(self.path)
        groups = _groups_of(self.path)
        return {stem: groups[stem] if self.grouped else stem for stem in folder.select(last=self.last)}

    def schema(self, stems: Sequence[str]) -> LabelSchema:
        """The classes in these pictures."""
        if not self.class_masks:
            return LabelSchema((OBJECT,))
        names = {each.class_name for stem in stems for each in self.example(stem).regions or ()}
        return LabelSchema(tuple(sorted(names, key=lambda name: (len(name), name))))

    def example(self, stem: str) -> Example:
        """A picture with its objects; the picture itself is read when it is asked for."""
        folder = open_folder(self.path)
        truth = folder.read_truth(stem)
        names = [str(number) if self.class_masks else OBJECT for number in truth.numbers]
        regions = tuple(replace(each, class_name=names[int(each.class_name)]) for each in truth.objects)
        group = _groups_of(self.path)[stem] if self.grouped else stem
        return Example(stem, group, lambda: folder.read_image(stem), regions, {})


def chosen_pictures(data: Path, masks: str, group_by: str, last: int | None) -> PictureSet:
    """The pictures that options name.

    Raises:
        BadParameter: An option has no such value.
        NothingMeasuredError: Groups that were asked for are not there.
    """
    if masks not in ("objects", "classes"):
        raise typer.BadParameter("--masks is objects or classes.")
    if group_by not in ("auto", "none", *_GROUP_FILES):
        raise typer.BadParameter(f"--group-by is auto, none, {' or '.join(_GROUP_FILES)}.")
    _check_groups(data, group_by)
    return PictureSet(data, masks == "classes", group_by != "none", last)


def divide(pictures: PictureSet, n_test: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Choose the pictures to ask about; whole groups, the same ones each time.

    Args:
        pictures: All pictures.
        n_test: About so many, but at most two fifths of all.

    Returns:
        Those to learn from and those to ask about, sorted.

    Raises:
        NothingMeasuredError: There are too few pictures or groups.
    """
    groups = pictures.groups()
    wanted = min(n_test, int(_LARGEST_TEST_SHARE * len(groups)))
    test: set[str] = set()
    for group in choose(sorted(set(groups.values())), len(groups), _SPLIT_SEED):
        members = {stem for stem, name in groups.items() if name == group}
        if len(test) < wanted and len(test) + len(members) <= _LARGEST_TEST_SHARE * len(groups) + 1:
            test |= members
    if len(test) < _FEWEST_TEST or len(test) == len(groups):
        raise NothingMeasuredError(
            f"{pictures.path} has {len(groups)} pictures in {len(set(groups.values()))} groups: too few to "
            "keep some back. Give --group-by none, or a folder with more."
        )
    return tuple(sorted(set(groups) - test)), tuple(sorted(test))


def choose(stems: Sequence[str], count: int, seed: int) -> list[str]:
    """So many pictures at random; those of a smaller count are among those of a larger one."""
    order = np.random.default_rng(seed).permutation(len(stems))
    return [stems[index] for index in order[:count]]


def _check_groups(data: Path, group_by: str) -> None:
    """Groups that were asked for must be there."""
    name = _GROUP_FILES.get(group_by)
    if name is not None and not (data / name).is_file():
        raise NothingMeasuredError(
            f'{data / name} is missing; it should look like {{"name": ["stem", ...], ...}}. '
            "Without groups, give --group-by none."
        )
