import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.prelabel.working_size import resized, working_size

SIDES = st.integers(1, 5000)


@given(SIDES, SIDES, st.integers(16, 512))
def test_the_longer_side_becomes_the_working_side_and_the_shape_stays(
    height: int, width: int, side: int
) -> None:
    small = working_size((height, width), side)

    assert max(small) == side
    assert min(small) == max(1, round(min(height, width) * side / max(height, width)))


@pytest.mark.parametrize("size_hw", [(64, 80), (1, 500), (500, 1), (400, 300)])
def test_a_fine_pattern_that_is_shrunk_becomes_its_mean(size_hw: tuple[int, int]) -> None:
    pattern = np.indices(size_hw).sum(0) % 2 * 200
    picture = np.repeat(pattern[:, :, None], 3, axis=2).astype(np.uint8)
    small = resized(picture, working_size(size_hw, max(size_hw) // 4))

    assert small.dtype == np.uint8
    assert np.abs(small.astype(int) - 100).max() <= 2


def test_an_enlarged_picture_keeps_its_colours() -> None:
    picture = np.full((2, 3, 3), (10, 120, 250), dtype=np.uint8)

    assert (resized(picture, (40, 60)) == (10, 120, 250)).all()
