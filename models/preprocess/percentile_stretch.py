"""Stretches the values that nearly all pixels have over the whole range."""

import numpy as np

from models.options import check_between
from models.preprocess.base import Pixels, RangeProcessor


class PercentileStretch(RangeProcessor):
    """Makes a low percentile dark and a high one bright, the same for all channels.

    If these are one value, as in a picture of a few bright stars, the least and the largest are taken.

    Args:
        low: Percentile that becomes dark, in [0, 50].
        high: Percentile that becomes bright, in [50, 100].
    """

    name = "percentile-stretch"

    def __init__(self, *, low: float = 0.1, high: float = 99.9) -> None:
        check_between("low", low, 0, 50)
        check_between("high", high, 50, 100)
        self._percentiles = low, high

    def levels(self, image: Pixels) -> tuple[float, float]:
        """The two percentiles; see the base class."""
        low, high = np.percentile(image, self._percentiles)
        return (float(low), float(high)) if low < high else (float(image.min()), float(image.max()))
