"""Takes away noise by averaging places that look alike. Slow: seconds for a million pixels."""

import cv2
import numpy as np

from models.options import check_between
from models.preprocess.base import UnitPixels, UnitProcessor, from_unit, to_unit


class NonLocalMeans(UnitProcessor):
    """Averages each pixel with those near it whose surroundings look like its own.

    Args:
        strength: Differences that are averaged away, as a share of the range, in (0, 1]: about the
            noise's standard deviation.
        patch: Radius of the surroundings that are compared, in pixels, 1 to 10.
        search: How far to look for similar ones, in pixels, 1 to 30; the time grows with its square.

    Source: Buades, Coll and Morel, "A non-local algorithm for image denoising", CVPR 2005. Differs:
    surroundings are compared by absolute differences, the measure that OpenCV has for 16 bit.
    """

    name = "non-local-means"

    def __init__(self, *, strength: float = 0.03, patch: int = 2, search: int = 7) -> None:
        check_between("strength", strength, 1e-4, 1)
        check_between("patch", patch, 1, 10)
        check_between("search", search, 1, 30)
        self._strength = strength
        self._patch = patch
        self._search = search

    def enhance(self, image: UnitPixels) -> UnitPixels:
        """Filter the picture; see the base class."""
        filtered = cv2.fastNlMeansDenoising(
            from_unit(image, np.uint16),
            [self._strength * 65535],
            templateWindowSize=2 * self._patch + 1,
            searchWindowSize=2 * self._search + 1,
            normType=cv2.NORM_L1,
        )
        return to_unit(np.asarray(filtered))
