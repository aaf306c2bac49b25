"""What is put beside an annotation: copies of the regions that are meant, and places where there is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.labelstudio.annotations import decode_annotation
from backend.labelstudio.answers import Answer
from backend.labelstudio.prediction_checks import PredictionChecks
from backend.services.inspection_review import InspectionReview
from backend.services.inspection_verdicts import TaskVerdict
from tests.fakes.bulk_label_studio import BulkLabelStudio
from tests.fakes.inspected_tasks import CONFIG, SIZE, XML, annotation, brush, task
from tests.fakes.pictures import DISC

TASK = task(annotation(70, brush()))


def issue(message: str, severity: float = 0.75, **more: Any) -> dict[str, Any]:
    about = {"annotation": 70, "image": "image", "rule": "holes", "region_ids": [], "box": None}
    return {**about, "message": message, "severity": severity, **more}


@pytest.fixture
def review(tmp_path: Path) -> InspectionReview:
    return InspectionReview(BulkLabelStudio(XML, {}).api, 1, CONFIG, tmp_path / "review.json")


def test_a_region_with_several_issues_is_there_once_with_all_reasons(review: InspectionReview) -> None:
    issues = (issue("One.", 0.9, region_ids=["r1"]), issue("Two.", 0.6, region_ids=["r1"]))
    found = review.prediction(TASK, TaskVerdict(0.95, issues))
    assert found is not None
    assert (found["task"], found["score"]) == (7, 0.95)
    (item,) = found["result"]
    assert (item["id"], item["score"], item["meta"]) == ("r1-warning", 0.9, {"text": ["One.", "Two."]})
    (drawn,) = decode_annotation([item], CONFIG.controls).regions
    assert np.array_equal(drawn.region.full_mask(SIZE), DISC)


def test_a_place_without_a_region_is_a_box(review: InspectionReview) -> None:
    found = review.prediction(TASK, TaskVerdict(0.8, (issue("Missed.", box=[10, 20, 30, 60]),)))
    assert found is not None
    (item,) = found["result"]
    assert (item["type"], item["meta"]) == ("rectanglelabels", {"text": ["Missed."]})
    (drawn,) = decode_annotation([item], CONFIG.controls).regions
    assert drawn.region.box == (10, 20, 30, 60)


@pytest.mark.parametrize("label", ["Disc", "Gone", None])
def test_label_studio_takes_what_is_put_there(review: InspectionReview, label: str | None) -> None:
    issues = (issue("One.", region_ids=["r1"]), issue("Missed.", box=[10, 20, 30, 60]))
    found = review.prediction(task(annotation(70, brush(label=label))), TaskVerdict(0.8, issues))
    assert found is not None
    answer = Answer(found["result"], found["score"], "inspect-1")
    assert PredictionChecks(XML).problems(answer) == []


@pytest.mark.parametrize(
    "said",
    [issue("All of it."), issue("Gone.", annotation=71, region_ids=["r1"]), issue("x", region_ids=["r9"])],
)
def test_what_has_no_place_is_not_put_there(review: InspectionReview, said: dict[str, Any]) -> None:
    assert review.prediction(TASK, TaskVerdict(0.8, (said,))) is None
