import numpy as np

from models.postprocess.keep_largest import KeepLargest
from models.prompts import Click
from tests.fakes.shapes import disc, processed

LARGE, SMALL, TINY = disc(40, 30, 12), disc(40, 70, 11), disc(10, 90, 3)


def test_only_the_largest_piece_stays() -> None:
    (mask,) = processed(KeepLargest(), LARGE | SMALL | TINY)
    assert np.array_equal(mask, LARGE)


def test_a_piece_that_was_clicked_stays_too() -> None:
    (mask,) = processed(KeepLargest(), LARGE | SMALL | TINY, clicks=(Click(10, 90), Click(40, 70, False)))
    assert np.array_equal(mask, LARGE | TINY)
