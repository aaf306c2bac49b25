"""Separates touching objects where the foreground has a neck between them."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.arrays import Image
from models.masks import fill_holes
from models.necks import split_at_necks
from models.prelabel.base import PreLabeller, PreLabels
from models.prelabel.foreground import find_foreground, image_class
from models.regions import Region

Labels = NDArray[np.int32]
"""Number of each pixel's object, (H, W), 0 = background."""


class Watershed(PreLabeller):
    """Gives one region per object: foreground, distance transform, watershed from its peaks.

    Two peaks of the distance are two objects when the neck between them is narrower than `neck` times the
    smaller object; as this is a ratio, the same setting fits objects of all sizes. Large pictures are
    divided at a reduced resolution, so that 4096 × 4096 pixels take about two seconds; outlines are those
    of the full resolution. The score of each region and of the pre-labels is the separability of
    foreground and background, for an empty picture the belief that it is empty. Stateless; may be shared
    between threads.

    Args:
        neck: In (0, 1); larger values divide more.
        min_share: Objects smaller than this share of the typical area (median over foreground pixels) are
            dropped, in [0, 1].
        min_area: Objects of fewer pixels are dropped too, unless there is no larger one.
        max_side: Pictures with a longer side are divided at a reduced resolution.

    Source: see `models.necks`.
    """

    name = "watershed"
    version = "watershed-1"
    classes = ("object",)
    image_classes = ("empty", "not-empty")

    def __init__(
        self, *, neck: float = 0.8, min_share: float = 0.05, min_area: int = 10, max_side: int = 1024
    ) -> None:
        self._neck = neck
        self._min_share = min_share
        self._min_area = min_area
        self._max_side = max_side

    def predict(self, image: Image) -> PreLabels:
        """Find the objects; see the base class."""
        foreground = find_foreground(image)
        statement = image_class(foreground)
        score = foreground.separability
        labels = split_at_necks(fill_holes(foreground.mask), self._neck, max_side=self._max_side)
        regions = [
            Region(
                np.asarray(labels[place] == number), place[0].start, place[1].start, self.classes[0], score
            )
            for number, place in self._large_enough(labels)
        ]
        return PreLabels(tuple(regions), (statement,), score if regions else statement.score)

    def _large_enough(self, labels: Labels) -> list[tuple[int, tuple[slice, slice]]]:
        areas = np.bincount(labels.ravel())
        areas[0] = 0
        ordered = np.sort(areas)
        typical = ordered[np.searchsorted(ordered.cumsum(), ordered.sum() / 2)]
        smallest = min(max(self._min_area, self._min_share * typical), areas.max())
        places = ndimage.find_objects(labels)
        return [(number, place) for number, place in enumerate(places, 1) if areas[number] >= smallest]
