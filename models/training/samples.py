"""Folders of pictures with masks, read one sample at a time.

`<folder>/images/<stem>.jpg|jpeg|png` and `<folder>/masks/<stem>.png` belong together and have one size. A
mask holds a number per pixel, 8 or 16 bits: 0 is background, equal numbers are one object or one class.
`groups.json` or `sequences.json`, if there, say which stems must not be told apart in statistics and splits
({"group": ["stem", ...]}), and `splits.json` names subsets in the same form.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path

import numpy as np
import PIL.Image
from numpy.typing import NDArray
from PIL import ImageOps, UnidentifiedImageError
from scipy import ndimage

from models.arrays import Image, Mask
from models.errors import DataFolderError, ImageError
from models.masks import components
from models.regions import Region

_SUFFIXES = (".jpg", ".jpeg", ".png")
_GROUPS = ("groups.json", "sequences.json")
_IGNORE_8_BIT = 255


@dataclass(frozen=True, eq=False)
class Truth:
    """What is known about a picture.

    Attributes:
        labels: Number of the object that each pixel belongs to, (H, W); 0 = none. Numbers may be missing.
        ignored: Pixels about which nothing is known, (H, W); None if there are none.
        numbers: What the file calls each label, by label; empty where labels are components.
    """

    labels: NDArray[np.int32]
    ignored: Mask | None = None
    numbers: tuple[int, ...] = ()

    @cached_property
    def objects(self) -> tuple[Region, ...]:
        """The objects in the order of their numbers, which are their class names."""
        found = []
        for number, place in enumerate(ndimage.find_objects(self.labels), start=1):
            if place is not None:
                top, left = place[0].start, place[1].start
                found.append(Region(self.labels[place] == number, top, left, str(number)))
        return tuple(found)


@dataclass(frozen=True, eq=False)
class Sample:
    """A picture and what is known about it.

    Attributes:
        stem: The files' common name.
        image: (H, W, 3) RGB.
        truth: The objects in it.
    """

    stem: str
    image: Image
    truth: Truth


class DataFolder:
    """Samples of one folder. Reads only what is asked for and keeps nothing, so threads may share it.

    Args:
        path: The folder.
        as_components: Cut everything of one number into connected components, each an object: for masks that
            hold class numbers.
        ignore_id: The number of pixels to ignore. None ignores none. "auto": 255 in 8-bit masks, unless the
            mask is 0 and 255 only (then it is the object) or uses every number from 1 to 254 as well (then it
            is the 255th object); nothing in 16-bit masks.

    Raises:
        DataFolderError: The folder has no pairs of files.
    """

    def __init__(
        self, path: Path, *, as_components: bool = False, ignore_id: int | str | None = "auto"
    ) -> None:
        if isinstance(ignore_id, str) and ignore_id != "auto":
            raise ValueError(f"ignore_id is a number, None or 'auto', not {ignore_id!r}.")
        self.path = path
        self._as_components = as_components
        self._ignore_id = ignore_id
        images = {
            file.stem: file
            for file in sorted((path / "images").glob("*"))
            if file.suffix.lower() in _SUFFIXES
        }
        masks = {file.stem: file for file in (path / "masks").glob("*.png")}
        self._files = {stem: (images[stem], masks[stem]) for stem in sorted(images.keys() & masks.keys())}
        if not self._files:
            raise DataFolderError(
                f"{path} holds no pictures with masks; there should be pairs images/<stem>.jpg or .png and "
                "masks/<stem>.png."
            )

    @property
    def stems(self) -> tuple[str, ...]:
        """Names of all samples, sorted."""
        return tuple(self._files)

    def select(
        self,
        *,
        pattern: str = "*",
        split: str | None = None,
        first: int | None = None,
        last: int | None = None,
    ) -> tuple[str, ...]:
        """Names of some samples, sorted.

        Args:
            pattern: Shell pattern that the stem must match.
            split: Name of a subset in splits.json.
            first: Keep only so many from the beginning of what is left so far.
            last: Then keep only so many from the end.

        Raises:
            DataFolderError: There is no such split, or nothing is left.
        """
        stems = [stem for stem in self._files if fnmatchcase(stem, pattern)]
        if split is not None:
            splits = self._read_json("splits.json")
            if split not in splits:
                known = ", ".join(sorted(splits)) or "none"
                raise DataFolderError(f"{self.path / 'splits.json'} has no split {split!r}; known: {known}.")
            members = set(splits[split])
            stems = [stem for stem in stems if stem in members]
        stems = stems[:first]
        if last is not None:
            stems = stems[max(0, len(stems) - last) :]
        if not stems:
            raise DataFolderError(f"None of the {len(self._files)} samples in {self.path} was selected.")
        return tuple(stems)

    def groups(self) -> dict[str, str]:
        """The group of every stem; a stem that no file mentions is a group of its own."""
        named = {
            stem: group
            for name in _GROUPS
            for group, stems in self._read_json(name).items()
            for stem in stems
        }
        return {stem: named.get(stem, stem) for stem in self._files}

    def frames(self) -> dict[str, float]:
        """The place of every stem that sequences.json names in its sequence, from 0."""
        sequences = self._read_json("sequences.json").values()
        return {stem: float(place) for stems in sequences for place, stem in enumerate(stems)}

    def read_image(self, stem: str) -> Image:
        """Read a picture, (H, W, 3) RGB, upright; of 16-bit grey the high byte, as browsers show it.

        Raises:
            ImageError: It is not there or cannot be decoded.
        """
        with self._opened(stem, 0) as file:
            upright = ImageOps.exif_transpose(file)
            if upright.mode.startswith("I"):
                grey = (np.asarray(upright).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8)
                return np.ascontiguousarray(np.broadcast_to(grey[:, :, None], (*grey.shape, 3)))
            return np.array(upright.convert("RGB"))

    def read_truth(self, stem: str) -> Truth:
        """Read a mask.

        Raises:
            ImageError: It is not there, cannot be decoded, or holds colours instead of numbers.
        """
        with self._opened(stem, 1) as file:
            if file.mode not in ("1", "L", "P", "I", "I;16", "I;16B"):
                raise ImageError(
                    f"{file.filename} has {file.mode} pixels; a mask has one number per pixel (8 or 16 bits)."
                )
            ids = np.asarray(file).astype(np.int32)
            is_8_bit = not file.mode.startswith("I")
        ignored = self._ignored(ids, is_8_bit=is_8_bit)
        if ignored is not None:
            ids[ignored] = 0
        if self._as_components:
            return Truth(_components(ids), ignored)
        numbers = np.unique(np.append(ids.ravel(), 0))
        return Truth(np.searchsorted(numbers, ids).astype(np.int32), ignored, tuple(numbers.tolist()))

    def read(self, stem: str) -> Sample:
        """Read a picture with its mask.

        Raises:
            ImageError: One of them cannot be read, or their sizes differ.
        """
        image, truth = self.read_image(stem), self.read_truth(stem)
        if image.shape[:2] != truth.labels.shape:
            raise ImageError(
                f"{stem} in {self.path}: the picture has {image.shape[:2]} rows and columns, the mask "
                f"{truth.labels.shape}."
            )
        return Sample(stem, image, truth)

    def __iter__(self) -> Iterator[Sample]:
        """Read all samples, one after the other."""
        return (self.read(stem) for stem in self._files)

    def __len__(self) -> int:
        """Number of samples."""
        return len(self._files)

    def _opened(self, stem: str, kind: int) -> PIL.Image.Image:
        if stem not in self._files:
            raise ImageError(f"{self.path} has no picture with a mask called {stem!r}.")
        try:
            file = PIL.Image.open(self._files[stem][kind])
            file.load()
        except (OSError, UnidentifiedImageError, PIL.Image.DecompressionBombError) as error:
            raise ImageError(f"{self._files[stem][kind]} cannot be decoded: {error}.") from error
        return file

    def _ignored(self, ids: NDArray[np.int32], *, is_8_bit: bool) -> Mask | None:
        ignore_id = self._ignore_id
        if ignore_id == "auto":
            others = set(np.unique(ids).tolist()) - {0, _IGNORE_8_BIT}
            ignore_id = _IGNORE_8_BIT if is_8_bit and 0 < len(others) < _IGNORE_8_BIT - 1 else None
        if ignore_id is None:
            return None
        ignored = ids == ignore_id
        return ignored if ignored.any() else None

    def _read_json(self, name: str) -> dict[str, Sequence[str]]:
        file = self.path / name
        if not file.is_file():
            return {}
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
        except ValueError as error:
            raise DataFolderError(f"{file} is not JSON: {error}.") from error
        if not isinstance(content, dict) or not all(isinstance(stems, list) for stems in content.values()):
            raise DataFolderError(f'{file} should look like {{"name": ["stem", ...], ...}}.')
        return content


def _components(ids: NDArray[np.int32]) -> NDArray[np.int32]:
    """Number the connected components of each id one after the other, in the order of the ids."""
    labels = np.zeros_like(ids)
    n_found = 0
    for number in np.unique(ids[ids > 0]).tolist():
        parts, areas = components(ids == number)
        labels[parts > 0] = parts[parts > 0] + n_found
        n_found += len(areas) - 1
    return labels
