"""Where an annotator draws outlines: learned from clicks just beside the outline of the answer before.

Blurred objects have no true outline. An annotator who adds what lies just beyond the answer's outline in one
place will want it wider everywhere else as well. So all logits are shifted by a part of what the answer was
wrong by at the new click. Clicks far from the outline are about something else and shift nothing.

Source: the bias of Sofiiuk et al., "f-BRS: Rethinking backpropagating refinement for interactive
segmentation", CVPR 2020, section 3.2, here without optimisation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.arrays import Mask
from models.interactive.views import View
from models.prompts import Click

_STEP = 2
"""One of so many rows and columns of the grid is kept."""
_FOLLOWED = 0.6
"""Part of an error that is made up for."""
_KEPT = 0.85
"""Part of the shift so far that stays with each click."""
_OUTLINE = 2.0
"""Logits up to this distance from zero are about the outline."""
_LARGEST = 3.0
_N_NUMBERS = 7


@dataclass(frozen=True, eq=False)
class OutlineShift:
    """What an answer is remembered by.

    Attributes:
        view: What its last look showed.
        values: Logits of that look with the shift, (h, w), one of two rows and columns of the view's grid.
        amount: The shift.
    """

    view: View
    values: NDArray[np.float32]
    amount: float

    @classmethod
    def of(cls, view: View, values: NDArray[np.float32], amount: float) -> OutlineShift:
        """Remember an answer by its logits with the shift, on the view's grid."""
        return cls(view, values[::_STEP, ::_STEP], amount)

    @classmethod
    def unpack(cls, numbers: NDArray[np.float32]) -> OutlineShift:
        """Turn the numbers of `pack` back."""
        top, left, bottom, right, height, width = map(int, numbers[0, : _N_NUMBERS - 1])
        view = View(top, left, bottom, right, (height, width))
        shape = len(range(0, height, _STEP)), len(range(0, width, _STEP))
        return cls(view, numbers[0, _N_NUMBERS:].reshape(shape), float(numbers[0, _N_NUMBERS - 1]))

    def pack(self) -> NDArray[np.float32]:
        """Turn everything into numbers, (1, n)."""
        view = self.view
        numbers = [view.top, view.left, view.bottom, view.right, *view.grid_hw, self.amount]
        return np.concatenate([np.array(numbers, np.float32), self.values.ravel()])[None]

    def after(self, clicks: Sequence[Click], mask: Mask) -> float:
        """The shift for the next answer.

        Args:
            clicks: All clicks; only those count that the mask contradicts.
            mask: The answer, (H, W).
        """
        errors = [self._error(click) for click in clicks if mask[click.pixel] != click.positive]
        errors = [error for error in errors if 0 < abs(error) < _OUTLINE]
        amount = _KEPT * self.amount
        if errors:
            amount += _FOLLOWED * float(np.mean(errors))
        return float(np.clip(amount, -_LARGEST, _LARGEST))

    def _error(self, click: Click) -> float:
        """What the logit lacks to agree with a click; 0 when it agrees or was not seen."""
        place = self.view.grid_pixel(*click.pixel)
        if place is None:
            return 0.0
        logit = float(self.values[place[0] // _STEP, place[1] // _STEP])
        return -logit if (logit > 0) != click.positive else 0.0
