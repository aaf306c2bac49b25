import numpy as np

from models.postprocess.convex_hull import ConvexHull
from models.prompts import Click
from tests.fakes.shapes import box, disc, processed


def test_notches_and_gaps_are_filled_to_straight_sides() -> None:
    frame = box(20, 20, 60, 80)
    (mask,) = processed(ConvexHull(), frame & ~box(20, 40, 50, 50) & ~box(30, 60, 60, 80))
    rows, columns = np.indices(mask.shape)
    cut_off = frame & ((columns - 79) * 30 + (rows - 29) * 20 > 0)  # below the line from (29, 79) to (59, 59)
    assert np.array_equal(mask, frame & ~cut_off)


def test_single_pixels_and_lines_are_their_own_hulls() -> None:
    for line in (box(5, 5, 6, 6), box(5, 5, 6, 20), np.eye(80, 100, dtype=bool)):
        assert np.array_equal(processed(ConvexHull(), line)[0], line)


def test_other_regions_and_negative_clicks_are_left_out() -> None:
    ring = disc(40, 50, 20) & ~disc(40, 50, 10)
    inner = disc(40, 50, 5)
    hull, other = processed(ConvexHull(), ring, inner, clicks=(Click(40, 57, False),))
    assert np.array_equal(other, inner)
    assert not (hull & inner).any()
    assert not hull[40, 57]
    assert np.count_nonzero(disc(40, 50, 20) & ~hull) == np.count_nonzero(inner) + 1
