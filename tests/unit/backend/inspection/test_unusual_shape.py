"""Objects of another shape."""

import numpy as np

from backend.inspection.base import WARN_AT
from backend.inspection.unusual_shape import UnusualShape
from tests.fakes.inspected import SIZE_HW, disc, drawn, issues_of, with_first

RULE = UnusualShape()
ROWS, COLUMNS = np.mgrid[: SIZE_HW[0], : SIZE_HW[1]]


def test_a_long_object_is_doubted_among_round_ones() -> None:
    ellipse = np.asarray(((ROWS - 40) / 7) ** 2 + ((COLUMNS - 40) / 28) ** 2 < 1)
    issue = issues_of(RULE, with_first(drawn(ellipse)))[0]
    assert issue.severity >= WARN_AT
    assert issue.message == "The object is longer or thinner than is usual for cell."


def test_an_object_with_a_bay_is_doubted_among_convex_ones() -> None:
    pacman = disc(40, 40, 16) & ~((COLUMNS > 40) & (abs(ROWS - 40) < COLUMNS - 40))
    issue = issues_of(RULE, with_first(drawn(pacman)))[0]
    assert issue.severity >= WARN_AT
    assert issue.message == "The object has more dents or gaps than is usual for cell."


def test_round_objects_of_all_sizes_have_the_same_shape() -> None:
    for radius in (5, 10, 30):
        issue = issues_of(RULE, with_first(drawn(disc(40, 50, radius))))[0]
        assert issue.severity < WARN_AT
