"""A project's annotated pictures as a source of crops for its click model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from models.arrays import Image, Mask
from models.errors import MaskloopError, TooFewExamplesError
from models.regions import Region
from models.training.crops import Labels
from models.training.examples import Example

_SMALLEST_AREA = 25
"""In pixels; what is smaller is hardly more than the click on it."""
_MOST_BYTES = 512 * 2**20
"""Of pictures that are kept in memory."""


def outlined(example: Example) -> tuple[Region, ...]:
    """The objects whose outline somebody drew: boxes and specks say nothing about outlines."""
    return tuple(r for r in example.regions or () if r.area >= _SMALLEST_AREA and not r.mask.all())


@dataclass(frozen=True, eq=False)
class _Picture:
    """A picture and its objects in layers, in none of which two of them share a pixel."""

    key: str
    image: Image
    layers: tuple[tuple[Region, ...], ...]


class ProjectPictures:
    """Random pictures of a project, which stay in memory. Each object is drawn equally often.

    Args:
        examples: The pictures; those without outlined objects are left out.
        seed: Of the choice if they are too many for the memory.
        report: Told the share that has been read, in [0, 1]; what it raises passes through.

    Raises:
        TooFewExamplesError: No picture with objects can be read.
    """

    def __init__(self, examples: Sequence[Example], *, seed: int, report: Callable[[float], None]) -> None:
        self.problems: dict[str, str] = {}
        """What is wrong with pictures that cannot be read, by the key of the example."""
        self._pictures: list[_Picture] = []
        held = 0
        for done, index in enumerate(np.random.default_rng(seed).permutation(len(examples))):
            report(done / len(examples))
            objects = outlined(examples[index])
            if not objects:
                continue
            try:
                image = examples[index].load_image()
            except MaskloopError as error:
                self.problems[examples[index].key] = str(error)
                continue
            if self._pictures and held + image.nbytes > _MOST_BYTES:
                break
            held += image.nbytes
            self._pictures.append(_Picture(examples[index].key, image, _layers(objects)))
        if not self._pictures:
            reasons = "; ".join(sorted(set(self.problems.values()))[:3]) or "no objects are outlined"
            raise TooFewExamplesError(f"The click model has nothing to learn from: {reasons}.")
        places = [(p, layer) for p in self._pictures for layer in p.layers]
        counts = np.array([len(layer) for _, layer in places])
        self._places = places
        self._shares = counts / counts.sum()

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of the examples that are drawn from, sorted."""
        return tuple(sorted(picture.key for picture in self._pictures))

    def draw(self, rng: np.random.Generator) -> tuple[Image, Labels, Mask | None]:
        """Choose a picture and a layer of its objects; see `Pictures`."""
        picture, layer = self._places[rng.choice(len(self._places), p=self._shares)]
        labels = np.zeros(picture.image.shape[:2], dtype=np.int32)
        for number, region in enumerate(layer, start=1):
            region.paint(labels, number)
        return picture.image, labels, None


def _layers(objects: Sequence[Region]) -> tuple[tuple[Region, ...], ...]:
    """Put objects that overlap, such as a cell and its nucleus, on different layers."""
    height, width = (max(region.box[axis] for region in objects) for axis in (2, 3))
    taken: list[Mask] = []
    layers: list[list[Region]] = []
    for region in objects:
        place = np.s_[region.top : region.box[2], region.left : region.box[3]]
        free = (number for number, mask in enumerate(taken) if not (mask[place] & region.mask).any())
        number = next(free, len(layers))
        if number == len(layers):
            taken.append(np.zeros((height, width), dtype=bool))
            layers.append([])
        region.paint(taken[number], True)
        layers[number].append(region)
    return tuple(tuple(layer) for layer in layers)
