"""Outlines as rings of pixels."""

import numpy as np
import pytest

from backend.inspection.outlines import length, on_border, outline, smoothed
from models.arrays import Mask
from models.regions import Region
from tests.fakes.inspected import disc


def region(mask: Mask) -> Region:
    found = Region.from_mask(mask)
    assert found is not None
    return found


def test_the_outline_runs_through_the_border_pixels_of_the_largest_part() -> None:
    mask = disc(30, 40, 10) | disc(70, 90, 4)
    ring = outline(region(mask))
    distances = np.hypot(*(ring - [30, 40]).T)
    assert distances.min() > 8.5
    assert distances.max() < 10
    assert (abs(ring - np.roll(ring, 1, axis=0)).max(axis=1) == 1).all()


def test_a_single_pixel_has_an_outline() -> None:
    assert outline(Region(np.ones((1, 1), dtype=bool), 5, 7)).tolist() == [[5, 7]]


def test_smoothing_takes_the_steps_of_the_pixels_away() -> None:
    ring = outline(region(disc(40, 50, 25)))
    assert length(smoothed(ring, 2)) == pytest.approx(2 * np.pi * 24.5, rel=0.02)
    assert length(ring) > 1.04 * length(smoothed(ring, 2))


def test_points_on_the_border_of_the_picture_are_known() -> None:
    ring = outline(region(disc(0, 50, 10)))
    assert on_border(ring, (96, 120)).sum() == 19
    assert (on_border(ring, (96, 120)) == (ring[:, 0] == 0)).all()
