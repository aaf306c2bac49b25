"""Holes that nobody meant."""

from dataclasses import replace

import numpy as np

from backend.inspection.base import WARN_AT, Subject
from backend.inspection.holes import Holes
from models.arrays import Mask
from tests.fakes.inspected import clean_project, disc, drawn, severities, with_first

RULE = Holes()


def with_hole(mask: Mask) -> Mask:
    holed = mask.copy()
    holed[40, 40] = False
    return holed


def test_what_a_brush_left_open_is_doubted() -> None:
    faulty = with_first(drawn(with_hole(disc(40, 40, 20))))
    assert severities(RULE, faulty)["region-0"] >= WARN_AT


def test_rings_are_meant() -> None:
    for mask in (disc(40, 40, 20) & ~disc(40, 40, 12), disc(40, 40, 20)):
        assert severities(RULE, with_first(drawn(mask))) == {}


def test_what_is_usual_in_a_class_is_not_doubted() -> None:
    holed = {
        key: replace(subject, objects=(drawn(with_hole(disc(40, 40, 20))), *subject.objects[1:]))
        for key, subject in clean_project().items()
    }
    assert severities(RULE, with_first(drawn(with_hole(disc(40, 40, 20)))), holed)["region-0"] < WARN_AT


def test_the_first_picture_of_a_project_can_be_judged() -> None:
    subject = Subject(np.zeros((96, 120, 3), dtype=np.uint8), (drawn(with_hole(disc(40, 40, 20))),))
    assert severities(RULE, subject, {})["region-0"] >= WARN_AT
