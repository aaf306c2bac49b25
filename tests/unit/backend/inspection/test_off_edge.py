"""Outlines that do not lie on the object's edge."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import binary_dilation, binary_erosion

from backend.inspection.base import WARN_AT, DrawnObject, Subject
from backend.inspection.off_edge import OffEdge
from models.regions import Region
from tests.fakes.inspected import SIZE_HW, clean_project, clean_subject, disc, drawn, issues_of, severities

RULE = OffEdge()


def changed(first: DrawnObject) -> Subject:
    subject = clean_subject(77)
    return replace(subject, objects=(first, *subject.objects[1:]))


def first_mask() -> Region:
    return clean_subject(77).objects[0].region


def test_what_is_drawn_on_the_edge_is_not_doubted() -> None:
    assert max(severities(RULE, clean_subject(77)).values()) < WARN_AT


@pytest.mark.parametrize("where", ["outside", "inside"])
def test_outlines_outside_and_inside_the_edge_are_doubted(where: str) -> None:
    mask = first_mask().full_mask(SIZE_HW)
    larger = binary_dilation(mask, iterations=3) if where == "outside" else binary_erosion(mask, iterations=3)
    issue = issues_of(RULE, changed(drawn(larger)))[0]
    assert issue.severity >= WARN_AT
    numbers = RULE.numbers(drawn(larger), clean_subject(77))
    assert numbers is not None
    assert numbers[0] > 0.04 if where == "outside" else numbers[0] < -0.04
    assert RULE.message_about(0, "cell", numbers[0], 0.0).startswith(f"The outline lies {where} the edges")


def test_a_shifted_outline_is_doubted() -> None:
    region = replace(first_mask(), top=first_mask().top + 5, left=first_mask().left - 3)
    assert issues_of(RULE, changed(DrawnObject("a", region)))[0].severity >= WARN_AT


def test_a_picture_whose_outlines_are_all_shifted_a_little_is_doubted_as_a_whole() -> None:
    subject = clean_subject(77)
    shifted = replace(
        subject,
        objects=tuple(
            replace(each, region=replace(each.region, left=each.region.left + 2)) for each in subject.objects
        ),
    )
    assert severities(RULE, shifted)[""] >= WARN_AT > severities(RULE, subject)[""]


def test_where_there_are_no_edges_nothing_is_doubted() -> None:
    flat = {
        key: replace(subject, image=np.full_like(subject.image, 90))
        for key, subject in clean_project().items()
    }
    new = replace(changed(drawn(disc(40, 40, 14))), image=np.full((*SIZE_HW, 3), 90, dtype=np.uint8))
    assert max(severities(RULE, new, flat).values()) < WARN_AT


def test_objects_of_hundreds_of_pixels_are_looked_at_in_a_smaller_copy() -> None:
    mask = disc(300, 400, 200, (700, 800))
    image = np.where(mask[..., None], 60, 150).astype(np.uint8).repeat(3, axis=2)
    right = RULE.numbers(drawn(mask), Subject(image, ()))
    shifted = RULE.numbers(drawn(disc(340, 400, 200, (700, 800))), Subject(image, ()))
    assert right is not None and shifted is not None
    assert abs(right[0]) < 0.01
    assert right[1] > -0.1 > shifted[1]


def test_boxes_and_specks_have_no_outline_to_compare() -> None:
    subject = clean_subject(77)
    assert RULE.numbers(replace(subject.objects[0], is_box=True), subject) is None
    assert RULE.numbers(drawn(disc(40, 40, 1)), subject) is None
