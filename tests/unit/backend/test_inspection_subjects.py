"""Annotations in, what inspection rules look at out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.inspection.base import Belief, Subject
from backend.labelstudio.results import encode_choices, encode_region
from backend.labelstudio.submissions import AnnotatedTask
from backend.services.annotated_pictures import AUTOMATIC, SKIPPED, UNREADABLE
from backend.services.example_making import NO_PICTURE
from backend.services.inspection_subjects import (
    ACCEPTED,
    AnnotatedSubject,
    InspectionSubjects,
    KnownWork,
    prompt_series,
)
from backend.state.click_log import ClickRecord
from models.errors import ImageError
from models.prompts import Click, Prompts
from models.regions import Region
from tests.fakes.inspected_tasks import (
    CONFIG,
    EMBEDDING,
    PREDICTED,
    SIZE,
    annotation,
    brush,
    subjects_of,
    task,
)
from tests.fakes.pictures import DISC


def click(second: int, prompt_ids: Sequence[str], to_name: str = "image") -> ClickRecord:
    at = datetime(2026, 11, 21, 0, 0, second, tzinfo=timezone.utc)
    prompts = Prompts(tuple(Click(3, 4) for _ in prompt_ids))
    return ClickRecord(
        at, 3, 7, to_name, "Disc", tuple(prompt_ids), prompts, False, 50, None, 20.0, "clicknet"
    )


@pytest.fixture
def subjects(tmp_path: Path) -> InspectionSubjects:
    clicks = [click(2, ["a"]), click(3, ["a", "b"]), click(8, ["c"])]
    known = KnownWork(
        clicks=lambda task_id: clicks if task_id == 7 else [],
        prediction=lambda number: brush(~DISC) if number == PREDICTED else None,
        embedding=lambda image: EMBEDDING,
    )
    return subjects_of(tmp_path, known=known)


def found(subjects: InspectionSubjects, one: AnnotatedTask) -> list[AnnotatedSubject]:
    return list(subjects.of_task(one, Counter()))


def unbelieved(key: str, image: Any) -> None:
    return None


def only(subjects: InspectionSubjects, one: AnnotatedTask) -> Subject:
    (subject,) = found(subjects, one)
    return subject.subject(unbelieved)


def test_objects_come_with_their_ids_pixels_and_labels(subjects: InspectionSubjects) -> None:
    drawn = [*brush(), *brush(~DISC, None, "r2"), *brush(~DISC, "Gone", "r3")]
    subject = only(subjects, task(annotation(1, drawn)))
    named = [(each.id, each.region.class_name) for each in subject.objects]
    assert named == [("r1", "Disc"), ("r2", ""), ("r3", "Gone")]
    assert np.array_equal(subject.objects[0].region.full_mask(SIZE), DISC)
    assert subject.image.shape == (*SIZE, 3)
    assert subject.classes == ("Disc", "Ring")
    assert subject.embedding is EMBEDDING


def test_corners_of_a_polygon_are_rows_and_columns_of_pixel_centres(subjects: InspectionSubjects) -> None:
    item = {
        "id": "p",
        "from_name": "polygon",
        "to_name": "image",
        "type": "polygonlabels",
        "original_width": 160,
        "original_height": 120,
        "value": {"points": [[0, 0], [50, 0], [50, 100]], "polygonlabels": ["Disc"]},
    }
    (drawn,) = only(subjects, task(annotation(1, [item]))).objects
    assert drawn.outline is not None
    assert drawn.outline.tolist() == [[-0.5, -0.5], [-0.5, 79.5], [119.5, 79.5]]


def test_what_others_drew_and_how_it_was_made_come_along(subjects: InspectionSubjects) -> None:
    one = annotation(5, brush(), lead_time=12.5, parent_prediction=PREDICTED)
    other = annotation(9, brush(~DISC), lead_time=2, parent_prediction=99)
    second, first = (
        each.subject(unbelieved) for each in found(subjects, task(one, other, sequence="s", frame=4))
    )
    assert (first.group, first.frame) == ("s", 4)
    assert (first.work.annotator, first.work.seconds) == (5, 12.5)
    assert first.work.began_from is not None
    assert np.array_equal(first.work.began_from[0].full_mask(SIZE), ~DISC)
    assert np.array_equal(first.others[0][0].region.full_mask(SIZE), ~DISC)
    assert second.work.began_from is None


def test_clicks_are_those_of_whoever_submitted_next(subjects: InspectionSubjects) -> None:
    second, first = (
        each.subject(unbelieved)
        for each in found(subjects, task(annotation(5, brush()), annotation(9, brush())))
    )
    assert [len(steps) for steps in first.work.prompts] == [2]
    assert [len(steps) for steps in second.work.prompts] == [1]


def test_prompts_with_a_common_one_are_of_one_object_and_of_one_picture() -> None:
    records = [
        click(1, ["a"]),
        click(2, ["b"]),
        click(3, ["a", "c"]),
        click(4, ["c"]),
        click(5, ["a"], "other"),
    ]
    series = prompt_series(records, "image")
    assert [[len(step.prompts.clicks) for step in steps] for steps in series] == [[1, 2, 1], [1]]


def test_answers_come_along(subjects: InspectionSubjects) -> None:
    control = CONFIG.control("focus")
    assert control is not None
    subject = only(subjects, task(annotation(1, [*brush(), *encode_choices(control, ["Sharp"])])))
    assert subject.answers == {"focus": ("Sharp",)}


def test_the_network_is_asked_about_the_picture_of_the_task(subjects: InspectionSubjects) -> None:
    believed = Belief((), np.ones((1, 2, 2), dtype=np.float32), (), 0.5)
    asked = []

    def belief_of(key: str, image: Any) -> Belief:
        asked.append((key, image.shape))
        return believed

    (subject,) = found(subjects, task(annotation(1, brush())))
    assert subject.subject(belief_of).belief is believed
    assert asked == [("7/image", (*SIZE, 3))]


def test_what_cannot_be_inspected_is_counted_and_stops_nothing(subjects: InspectionSubjects) -> None:
    broken = {**brush()[0], "value": {"rle": [1, 2], "brushlabels": ["Disc"]}}
    annotations = (
        annotation(1, [], was_cancelled=True),
        annotation(2, [], lead_time=0),
        annotation(3, [broken]),
        annotation(4, brush()),
    )
    left_out: Counter[str] = Counter()
    assert [each.key.annotation_id for each in subjects.of_task(task(*annotations), left_out)] == [4]
    assert left_out == {SKIPPED: 1, AUTOMATIC: 1, UNREADABLE: 1}
    assert list(subjects.of_task(task(annotation(1, brush()), image=None), left_out)) == []
    assert left_out[NO_PICTURE] == 1


@pytest.mark.parametrize(("choices", "accepted"), [(["Fine"], True), ([], False)])
def test_a_tick_accepts_an_annotation(
    subjects: InspectionSubjects, choices: list[str], accepted: bool
) -> None:
    value = {"choices": choices}
    tick = {"id": "t", "from_name": ACCEPTED, "to_name": "image", "type": "choices", "value": value}
    (subject,) = found(subjects, task(annotation(1, [*brush(), tick])))
    assert subject.accepted is accepted
    assert len(subject.subject(unbelieved).objects) == 1


def test_a_picture_of_another_size_is_an_error_of_its_own(subjects: InspectionSubjects) -> None:
    region, control = Region.from_mask(DISC[:60]), CONFIG.control("brush")
    assert region is not None and control is not None
    (subject,) = found(subjects, task(annotation(1, encode_region(region, control, "Disc", (60, 160)))))
    with pytest.raises(ImageError, match="was annotated as one"):
        subject.subject(unbelieved)


def test_only_ground_truth_is_left_where_there_is_some_and_it_was_accepted(
    subjects: InspectionSubjects,
) -> None:
    two = task(annotation(1, brush(), ground_truth=True), annotation(2, brush()))
    assert [(each.key.annotation_id, each.accepted) for each in found(subjects, two)] == [(1, True)]


@pytest.mark.parametrize(
    "change",
    [
        {"result": brush(~DISC)},
        {"lead_time": 3},
        {"completed_by": 8},
    ],
)
def test_whatever_rules_see_changes_the_digest(subjects: InspectionSubjects, change: dict[str, Any]) -> None:
    before = annotation(1, brush())
    (one,), (same,), (other,) = (
        found(subjects, task(each)) for each in (before, before | {"updated_at": ""}, before | change)
    )
    assert one.digest == same.digest != other.digest
    assert (one.content == other.content) == ("result" not in change)


def test_what_somebody_else_drew_changes_the_digest(subjects: InspectionSubjects) -> None:
    mine = annotation(1, brush())
    alone, beside, moved = (
        found(subjects, each)[-1]
        for each in (task(mine), task(mine, annotation(2, [])), task(mine, annotation(2, brush())))
    )
    assert len({alone.digest, beside.digest, moved.digest}) == 3
    assert alone.content == beside.content == moved.content
