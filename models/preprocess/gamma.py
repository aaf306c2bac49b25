"""Lightens or darkens the middle of the range."""

import numpy as np

from models.options import check_between
from models.preprocess.base import UnitPixels, UnitProcessor


class Gamma(UnitProcessor):
    """Raises values in [0, 1] to a power; dark and bright stay where they are.

    Args:
        exponent: Below 1 lightens, above 1 darkens; in [0.05, 20].
    """

    name = "gamma"

    def __init__(self, *, exponent: float = 0.7) -> None:
        check_between("exponent", exponent, 0.05, 20)
        self._exponent = np.float32(exponent)

    def enhance(self, image: UnitPixels) -> UnitPixels:
        """Raise to the power; see the base class."""
        return image**self._exponent
