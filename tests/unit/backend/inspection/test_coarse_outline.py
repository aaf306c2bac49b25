"""Objects with too few corners."""

from dataclasses import replace

import numpy as np

from backend.inspection.base import WARN_AT, Subject
from backend.inspection.coarse_outline import CoarseOutline
from models.arrays import Mask
from tests.fakes.inspected import clean_project, disc, drawn, severities, with_first

RULE = CoarseOutline()
SIZE_HW = (200, 200)


def subject_with(mask: Mask) -> Subject:
    return Subject(np.zeros((*SIZE_HW, 3), dtype=np.uint8), (drawn(mask),), ("cell",))


def diamond(radius: float) -> Mask:
    rows, columns = np.mgrid[: SIZE_HW[0], : SIZE_HW[1]]
    return np.asarray(abs(rows - 100) + abs(columns - 100) < radius)


def test_a_polygon_of_four_corners_is_doubted_among_round_objects() -> None:
    project = {str(radius): subject_with(disc(100, 100, radius, SIZE_HW)) for radius in range(20, 60)}
    assert severities(RULE, subject_with(diamond(60)), project)["region-0"] >= WARN_AT
    assert severities(RULE, subject_with(disc(100, 100, 80, SIZE_HW)), project)["region-0"] < WARN_AT


def test_it_is_usual_where_polygons_are_drawn() -> None:
    project = {str(radius): subject_with(diamond(radius)) for radius in range(20, 60)}
    assert severities(RULE, subject_with(diamond(40)), project)["region-0"] < WARN_AT


def test_small_objects_and_boxes_have_no_corners_to_count() -> None:
    for drawn_object in (drawn(disc(40, 40, 4)), replace(drawn(disc(40, 40, 14)), is_box=True)):
        assert "region-0" not in severities(RULE, with_first(drawn_object), clean_project(15))
