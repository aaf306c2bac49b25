"""Objects of a few pixels."""

from dataclasses import replace

import numpy as np

from backend.inspection.base import WARN_AT, Subject
from backend.inspection.tiny_object import TinyObject
from tests.fakes.inspected import clean_project, clean_subject, disc, drawn, issues_of, severities

RULE = TinyObject()


def with_dot(radius: float) -> Subject:
    subject = clean_subject(77)
    return replace(subject, objects=(*subject.objects, drawn(disc(85, 100, radius), "cell", 9)))


def test_a_dot_is_doubted_more_than_a_spot_and_a_small_object_is_not() -> None:
    dot, spot = (severities(RULE, with_dot(radius))["region-9"] for radius in (0.5, 1.5))
    assert dot > spot >= WARN_AT
    assert severities(RULE, with_dot(4)) == {}


def test_in_a_large_picture_larger_dots_are_tiny() -> None:
    mask = disc(1000, 1000, 5, (3000, 4000))
    subject = Subject(np.zeros((3000, 4000, 3), dtype=np.uint8), (drawn(mask),))
    assert severities(RULE, subject, {})["region-0"] >= WARN_AT


def test_dots_are_usual_where_dots_are_drawn() -> None:
    project = {key: with_dot(1) for key in clean_project()}
    assert severities(RULE, with_dot(1), project)["region-9"] < 0.1


def test_one_pixel_is_spoken_of_in_the_singular() -> None:
    (issue,) = issues_of(RULE, with_dot(0.5))
    assert issue.message.startswith("The object has 1 pixel;")
