"""Separates touching objects where the foreground has a neck between them."""

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.morphology import local_maxima, reconstruction
from skimage.segmentation import expand_labels, watershed

from models.arrays import Image, Mask
from models.masks import distance_inside, fill_holes
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

    Source: Meyer, "Topographic distance and watershed lines", Signal Processing 38, 1994; peaks by
    reconstruction: Vincent, "Morphological grayscale reconstruction", IEEE TIP 2, 1993, section 3.3. Differs:
    the height of a peak is judged relative to the peak, not in pixels.
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
        labels = self._divided(fill_holes(foreground.mask))
        regions = [
            Region(
                np.asarray(labels[place] == number), place[0].start, place[1].start, self.classes[0], score
            )
            for number, place in self._large_enough(labels)
        ]
        return PreLabels(tuple(regions), (statement,), score if regions else statement.score)

    def _divided(self, mask: Mask) -> Labels:
        """Number the objects of a foreground, at a reduced resolution if it is large."""
        height, width = mask.shape
        step = -(-max(height, width) // self._max_side)
        if step == 1:
            return _split_at_necks(mask, self._neck)
        size_xy = (-(-width // step), -(-height // step))
        share = cv2.resize(mask.astype(np.float32), size_xy, interpolation=cv2.INTER_AREA)
        coarse = expand_labels(_split_at_necks(np.asarray(share >= 0.5), self._neck), distance=3)
        labels = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_NEAREST)
        return np.where(mask, labels, 0)

    def _large_enough(self, labels: Labels) -> list[tuple[int, tuple[slice, slice]]]:
        areas = np.bincount(labels.ravel())
        areas[0] = 0
        ordered = np.sort(areas)
        typical = ordered[np.searchsorted(ordered.cumsum(), ordered.sum() / 2)]
        smallest = min(max(self._min_area, self._min_share * typical), areas.max())
        places = ndimage.find_objects(labels)
        return [(number, place) for number, place in enumerate(places, 1) if areas[number] >= smallest]


def _split_at_necks(mask: Mask, neck: float) -> Labels:
    distance = distance_inside(mask)
    peaks = local_maxima(reconstruction(neck * distance, distance)) & mask
    markers, _ = ndimage.label(peaks, np.ones((3, 3)))
    return np.asarray(watershed(-distance, markers, mask=mask), dtype=np.int32)
