"""Objects with a frayed outline."""

from dataclasses import replace

import numpy as np

from backend.inspection.base import WARN_AT
from backend.inspection.jagged_outline import JaggedOutline
from models.arrays import Mask
from tests.fakes.inspected import SIZE_HW, disc, drawn, severities, with_first

RULE = JaggedOutline()


def star(teeth: int, depth: float) -> Mask:
    rows, columns = np.mgrid[: SIZE_HW[0], : SIZE_HW[1]]
    angles = np.arctan2(rows - 40, columns - 40)
    return np.asarray(np.hypot(rows - 40, columns - 40) < 18 + depth * np.sign(np.sin(teeth * angles)))


def test_a_frayed_outline_is_doubted_and_a_wavy_one_is_not() -> None:
    assert severities(RULE, with_first(drawn(star(16, 2))))["region-0"] >= WARN_AT
    assert severities(RULE, with_first(drawn(star(2, 2))))["region-0"] < WARN_AT


def test_small_objects_and_boxes_have_no_shape() -> None:
    for drawn_object in (drawn(disc(40, 40, 3)), replace(drawn(star(16, 2)), is_box=True)):
        assert "region-0" not in severities(RULE, with_first(drawn_object))
