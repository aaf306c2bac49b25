"""Objects of unusual brightness."""

from dataclasses import replace

import numpy as np
import pytest

from backend.inspection.base import WARN_AT, Subject
from backend.inspection.unusual_intensity import UnusualIntensity
from tests.fakes.inspected import clean_subject, disc, drawn, issues_of, severities, with_first

RULE = UnusualIntensity()


def test_a_mask_on_the_background_is_doubted() -> None:
    faulty = with_first(drawn(disc(80, 90, 10)))
    assert severities(RULE, faulty)["region-0"] >= WARN_AT


def test_the_wrong_label_is_doubted() -> None:
    assert severities(RULE, with_first(drawn(disc(46, 92, 8))))["region-0"] >= WARN_AT


def test_in_a_darker_picture_the_brightness_is_unusual() -> None:
    subject = clean_subject(77)
    issue = issues_of(RULE, replace(subject, image=(subject.image // 3)))[0]
    assert issue.severity >= WARN_AT


def test_what_is_drawn_as_usual_is_not_doubted() -> None:
    assert max(severities(RULE, clean_subject(77)).values()) < WARN_AT


def test_a_mask_beside_the_object_stands_out_less() -> None:
    subject = clean_subject(77)
    on, beside = (RULE.numbers(each, subject) for each in (subject.objects[0], drawn(disc(80, 90, 10))))
    assert on is not None and beside is not None
    assert beside[2] < on[2] - 1
    assert "stands out less" in RULE.message_about(2, "cell", beside[2], on[2])


def test_bright_and_dark_pictures_of_one_kind_have_the_same_contrast() -> None:
    subject = clean_subject(77)
    dark = replace(subject, image=subject.image // 2)
    one, other = (RULE.numbers(subject.objects[0], each) for each in (subject, dark))
    assert one is not None and other is not None
    assert one[1] == pytest.approx(other[1], abs=0.02)


def test_an_object_that_fills_the_picture_has_no_surroundings() -> None:
    whole = Subject(np.full((8, 8, 3), 90, dtype=np.uint8), (drawn(np.ones((8, 8), dtype=bool)),))
    assert RULE.numbers(whole.objects[0], whole) is None
