"""Objects whose pixels are unlike those of the others of their class."""

from __future__ import annotations

from math import log

import cv2
import numpy as np

from backend.inspection.base import DrawnObject, Subject
from backend.inspection.outliers import NumbersRule
from backend.inspection.usual import Quantity
from backend.inspection.windows import window

_BESIDE = 2
"""Pixels around the object that belong to neither side."""
_GREY = np.array([0.299, 0.587, 0.114])
"""Share of red, green and blue in brightness (ITU-R BT.601)."""
_COLOUR = 2
"""Which of the quantities the difference in colour is."""


class UnusualIntensity(NumbersRule):
    """Compares brightness, contrast with the surroundings, and difference in colour from them.

    Contrast is the difference in brightness by its sum (Michelson 1927), so that bright and dark pictures of
    one kind are comparable; the difference in colour is on a logarithmic scale, and only too little of it is
    doubtful: masks beside the object have hardly any.
    """

    name = "unusual-intensity"
    higher_is_worse_because = "its brightness, alone or against its surroundings, is less usual in its class"
    of_pictures = True

    def quantities(self) -> tuple[Quantity, ...]:
        """See the base class."""
        return (
            Quantity(least_spread=4.0),
            Quantity(least_spread=0.03),
            Quantity(least_spread=0.25, above=False),
        )

    def numbers(self, drawn: DrawnObject, subject: Subject) -> tuple[float, float, float] | None:
        """Mean grey level, contrast, and logarithm of the difference in colour; see the base class."""
        seen = window(drawn, subject)
        if seen is None:
            return None
        mask = seen.mask
        beside = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8), iterations=_BESIDE)
        if beside.all():
            return None
        inside, around = seen.image[mask].mean(axis=0), seen.image[beside == 0].mean(axis=0)
        bright, dark = float(inside @ _GREY), float(around @ _GREY)
        colour = float(np.linalg.norm(inside - around))
        return bright, (bright - dark) / (bright + dark + 2), log(colour + 2)

    def message_about(self, quantity: int, class_name: str, value: float, median: float) -> str:
        """See the base class."""
        if quantity == _COLOUR:
            return f"The object stands out less from its surroundings than is usual for {class_name}."
        change = "brighter" if value > median else "darker"
        where = ("The object is", "Compared with its surroundings, the object is")[quantity]
        return f"{where} {change} than is usual for {class_name}."
