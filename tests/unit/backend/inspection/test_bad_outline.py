"""Polygons that enclose nothing or cross themselves."""

from dataclasses import replace

import numpy as np
import pytest

from backend.inspection.bad_outline import BadOutline
from backend.inspection.base import WARN_AT, Issue
from tests.fakes.inspected import disc, drawn, issues_of, with_first

RULE = BadOutline()
Corners = list[tuple[float, float]]


def found(corners: Corners) -> list[Issue]:
    outline = np.array(corners, dtype=np.float64)
    return issues_of(RULE, with_first(replace(drawn(disc(30, 30, 14)), outline=outline)))


@pytest.mark.parametrize(
    ("corners", "message"),
    [
        ([(0, 0), (20, 20), (20, 0), (0, 20)], "The polygon crosses itself once."),
        ([(0, 20), (40, 32), (15, 0), (15, 40), (40, 8)], "The polygon crosses itself 5 times."),
        ([(5, 5), (9, 9)], "The polygon has 2 different corners; it needs at least 3."),
        ([(5, 5), (5, 5), (5, 5), (9, 9)], "The polygon has 2 different corners; it needs at least 3."),
        ([(5, 5), (5, 9), (5, 30)], "The polygon encloses no area."),
        ([(5, 5), (9, 9), (30, 30)], "The polygon encloses no area."),
    ],
)
def test_polygons_that_are_none_are_doubted(corners: Corners, message: str) -> None:
    (issue,) = found(corners)
    assert issue.severity >= WARN_AT
    assert issue.message == message


@pytest.mark.parametrize(
    "corners",
    [
        [(0, 0), (0, 20), (20, 20), (20, 0)],
        [(0, 0), (0, 20), (20, 20), (20, 0), (0, 0)],  # closed twice
        [
            (0, 0),
            (0, 30),
            (30, 30),
            (30, 0),
            (0, 0),
            (10, 10),
            (20, 10),
            (20, 20),
            (10, 20),
            (10, 10),
        ],  # bridge
    ],
)
def test_plain_polygons_and_bridges_to_holes_are_not(corners: Corners) -> None:
    assert found(corners) == []


def test_long_outlines_without_crossings_are_looked_at_in_parts() -> None:
    angles = np.linspace(0, 2 * np.pi, 5000, endpoint=False)
    circle = np.stack([40 + 30 * np.sin(angles), 40 + 30 * np.cos(angles)], axis=1)
    eight = np.stack([40 + 30 * np.sin(2 * angles), 40 + 30 * np.cos(angles)], axis=1)
    assert found([tuple(corner) for corner in circle]) == []
    assert found([tuple(corner) for corner in eight])[0].message == "The polygon crosses itself once."


def test_what_was_not_drawn_as_a_polygon_has_no_outline_to_doubt() -> None:
    assert issues_of(RULE, with_first(drawn(disc(30, 30, 14)))) == []
