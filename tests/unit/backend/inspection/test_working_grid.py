"""Drawn objects on a coarser grid."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.inspection.working_grid import UNKNOWN, covered, drawn_classes, mean_inside
from models.regions import Region
from tests.fakes.inspected import SIZE_HW, belief_in, clean_subject, disc, drawn


@given(
    st.integers(-5, 40),
    st.integers(-5, 50),
    st.integers(1, 30),
    st.integers(1, 30),
    st.tuples(st.integers(1, 40), st.integers(1, 50)),
)
def test_objects_anywhere_have_a_place_on_any_grid(
    top: int, left: int, height: int, width: int, grid_hw: tuple[int, int]
) -> None:
    region = Region(np.ones((height, width), dtype=bool), top, left)
    coverage, (rows, columns) = covered(region, (40, 50), grid_hw)
    assert coverage.size
    assert coverage.shape == (rows.stop - rows.start, columns.stop - columns.start)
    assert 0 <= rows.start < rows.stop <= grid_hw[0]
    assert 0 <= columns.start < columns.stop <= grid_hw[1]
    assert 0 <= coverage.min() <= coverage.max() <= 1


def test_on_the_picture_s_own_grid_an_object_covers_its_pixels() -> None:
    mask = disc(30, 40, 12)
    coverage, place = covered(drawn(mask).region, SIZE_HW, SIZE_HW)
    full = np.zeros(mask.shape)
    full[place] = coverage
    assert np.array_equal(full > 0.5, mask)


def test_on_a_coarser_grid_the_covered_area_stays_about_the_same() -> None:
    mask = disc(31, 47, 13)
    coverage, _ = covered(drawn(mask).region, SIZE_HW, (24, 30))
    assert coverage.sum() * 16 == pytest.approx(mask.sum(), rel=0.02)


def test_means_are_those_of_the_covered_places() -> None:
    mask = disc(30, 40, 12)
    values = np.stack([mask, ~mask]).astype(np.float32)
    assert mean_inside(values, *covered(drawn(mask).region, SIZE_HW, SIZE_HW)) == pytest.approx(
        [1, 0], abs=1e-3
    )


def test_smaller_objects_lie_in_front_and_foreign_labels_are_unknown() -> None:
    large, small = drawn(disc(40, 50, 30), "cell", 0), drawn(disc(40, 50, 8), "grain", 1)
    subject = replace(clean_subject(0), objects=(small, large, drawn(disc(10, 110, 5), "dust", 2)))
    classes = drawn_classes(subject, belief_in([]))
    assert classes[40, 50] == 2
    assert classes[40, 70] == 1
    assert classes[10, 110] == UNKNOWN
    assert classes[90, 5] == 0
