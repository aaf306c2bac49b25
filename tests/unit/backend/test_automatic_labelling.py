"""Automatic annotations of a project, made, known again and removed; and the audits drawn from it."""

from __future__ import annotations

from typing import Any

import pytest

from backend.errors import AuditError
from backend.labelstudio.label_config import LabelConfig
from backend.services.audit import automation_of, read_checked
from backend.services.audit_draw import draw, drawn_tasks, population, show_audit
from backend.services.automatic_labelling import AutomaticLabelling
from backend.state.audits import Audit
from tests.fakes.bulk_label_studio import BulkLabelStudio

VERSION = "unet-p1-3-0123abcd"
CONFIG = """<View><Image name="image" value="$image"/>
<RectangleLabels name="box" toName="image"><Label value="Cell"/></RectangleLabels>
<RectangleLabels name="check" toName="image" model_error_areas="true"><Label value="Look"/></RectangleLabels>
</View>"""
BOX = {
    "id": "r1",
    "type": "rectanglelabels",
    "from_name": "box",
    "to_name": "image",
    "original_width": 100,
    "original_height": 100,
    "image_rotation": 0,
    "value": {"x": 5, "y": 5, "width": 20, "height": 50, "rotation": 0, "rectanglelabels": ["Cell"]},
}
AREA = BOX | {"id": "r2", "from_name": "check"}


@pytest.fixture
def studio() -> BulkLabelStudio:
    """Six tasks: 1 to 4 with sure predictions, the third of nothing; 5 an unsure one; 6 none."""
    studio = BulkLabelStudio(CONFIG, {number: {"image": f"/{number}.png"} for number in range(1, 7)})
    studio.shown = VERSION
    for number in range(1, 6):
        result: list[Any] = [] if number == 3 else [BOX]
        score = 0.4 if number == 5 else 0.95
        studio.predictions.append(
            {"task": number, "result": result, "score": score, "model_version": VERSION}
        )
    return studio


def labelled(studio: BulkLabelStudio) -> AutomaticLabelling:
    labelling = AutomaticLabelling(studio.api, 1, LabelConfig.parse(CONFIG))
    list(labelling.annotate(labelling.choose(VERSION, 0.9).sure, VERSION))
    return labelling


def test_only_sure_tasks_that_nobody_works_on_are_chosen(studio: BulkLabelStudio) -> None:
    studio.drafted = {4}
    studio.finished = {2}
    choice = AutomaticLabelling(studio.api, 1, LabelConfig.parse(CONFIG)).choose(VERSION, 0.9)
    assert (choice.sure, choice.unsure, choice.drafted, choice.unpredicted) == ((1, 3), 1, 1, 1)
    assert studio.writes == []


def test_annotations_are_made_once(studio: BulkLabelStudio) -> None:
    labelling = labelled(studio)
    assert sorted(studio.annotations) == [1, 2, 3, 4]
    assert labelling.choose(VERSION, 0.9).sure == ()
    made = {each.task_id for each in labelling.made()}
    assert made == {1, 2, 3, 4}


def test_a_task_that_was_annotated_or_deleted_meanwhile_is_left_alone(studio: BulkLabelStudio) -> None:
    labelling = AutomaticLabelling(studio.api, 1, LabelConfig.parse(CONFIG))
    chosen = labelling.choose(VERSION, 0.9).sure
    studio.annotations[1] = [{"id": 9, "result": [], "lead_time": 4.0}]
    del studio.tasks[2]
    assert list(labelling.annotate(chosen, VERSION)) == [False, False, True, True]
    assert [each["id"] for each in studio.annotations[1]] == [9]


def test_where_a_prediction_may_be_wrong_is_no_part_of_an_annotation(studio: BulkLabelStudio) -> None:
    studio.predictions[0]["result"] = [BOX, AREA]
    studio.predictions[1]["result"] = [AREA]
    labelling = labelled(studio)
    assert [item["id"] for item in studio.annotations[1][0]["result"]] == ["r1"]
    assert studio.annotations[2][0]["result"] == []
    assert {each.task_id for each in labelling.made()} == {1, 2, 3, 4}


def test_what_somebody_changed_is_not_removed(studio: BulkLabelStudio) -> None:
    labelling = labelled(studio)
    studio.annotations[1][0]["lead_time"] = 2.5
    studio.annotations[2][0]["result"] = []
    assert {each.task_id for each in labelling.made()} == {3, 4}
    assert list(labelling.remove(labelling.made())) == [True, True]
    assert [number for number, submitted in studio.annotations.items() if submitted] == [1, 2]
    assert labelling.made() == []


def test_what_somebody_changes_while_it_is_removed_stays(studio: BulkLabelStudio) -> None:
    labelling = labelled(studio)
    made = labelling.made()
    studio.annotations[made[0].task_id][0]["ground_truth"] = True
    assert list(labelling.remove(made)) == [False, True, True, True]


def test_an_audit_draws_what_no_person_has_annotated(studio: BulkLabelStudio) -> None:
    labelled(studio)
    studio.annotations[1][0]["lead_time"] = 2.5
    scores = population(studio.api, 1, VERSION)
    assert sorted(scores) == [2, 3, 4, 5]
    places, strata = draw(scores, 4, 0, stratified=False)
    audit = Audit(1, 1, VERSION, 0.0, 0, strata, tuple(drawn_tasks(studio.api, places, scores, VERSION)))
    assert [task.result for task in audit.tasks] == [[BOX], [], [BOX], [BOX]]
    show_audit(studio.api, audit)
    (tab,) = [data for data in studio.tabs.values() if data["title"] == "Audit"]
    assert tab["filters"]["conjunction"] == "or"
    assert [item["value"] for item in tab["filters"]["items"]] == [2, 3, 4, 5]

    studio.annotations[5] = [{"id": 20, "result": [], "lead_time": 3.0}]
    studio.finished.add(5)
    seen: list[int] = []
    ((task, said),) = read_checked(studio.api, audit, lambda: seen.append(1))
    assert (task.id, said.id, len(seen)) == (5, 20, 4)
    automation = automation_of(studio.api, 1, [each.id for each in audit.tasks])
    assert (automation.tasks, automation.labelled) == (6, 1)


def test_a_prediction_that_vanished_between_listing_and_reading_ends_the_draw(
    studio: BulkLabelStudio,
) -> None:
    scores = population(studio.api, 1, VERSION)
    studio.predictions.clear()
    with pytest.raises(AuditError, match="Draw again"):
        drawn_tasks(studio.api, [(1, 0)], scores, VERSION)
