import json
from collections import Counter
from typing import Any

import pytest

from backend.labelstudio.automatic_annotations import automatic_annotation, is_untouched
from backend.labelstudio.label_config import LabelConfig
from backend.labelstudio.payloads import parse_webhook
from backend.labelstudio.submissions import annotated_task
from backend.services.annotated_pictures import AUTOMATIC, PictureReader
from backend.services.label_schemas import label_schema
from backend.services.sequences import SequenceFields, frame_changes

CONFIG = """<View><Image name="image" value="$image"/>
<RectangleLabels name="box" toName="image"><Label value="Cell"/></RectangleLabels></View>"""


def box(left: float, **more: Any) -> dict[str, Any]:
    value = {"x": left, "y": 20.5, "width": 30, "height": 10, "rotation": 0, "rectanglelabels": ["Cell"]}
    size = {"original_width": 80, "original_height": 60, "image_rotation": 0}
    names = {"from_name": "box", "to_name": "image", "type": "rectanglelabels"}
    return {"id": f"r{left}", "value": value, **size, **names, **more}


def made(*items: dict[str, Any]) -> dict[str, Any]:
    """As Label Studio gives it back."""
    fields = automatic_annotation(items, "unet-p1-3-0123abcd", 17)
    stored = {"id": 4, "task": 7, "completed_by": 1, "updated_at": "2026-11-21T10:00:00Z", **fields}
    again: dict[str, Any] = json.loads(json.dumps(stored))
    return again


@pytest.mark.parametrize(
    "items", [(), (box(10),), (box(10, score=0.75), box(50, meta={"text": ["look here"], "a": 1}))]
)
def test_what_was_made_is_known_again(items: tuple[dict[str, Any], ...]) -> None:
    assert is_untouched(made(*items))


def test_what_the_regions_said_before_is_kept_beside_the_note() -> None:
    (item,) = made(box(10, meta={"text": ["look here"], "a": 1}))["result"]
    assert item["meta"]["a"] == 1
    assert item["meta"]["text"][0] == "look here"
    assert "unet-p1-3-0123abcd" in item["meta"]["text"][1]


def test_whoever_changes_anything_makes_it_theirs() -> None:
    moved, fewer, more, unmarked = (made(box(10), box(50)) for _ in range(4))
    moved["result"][0]["value"]["x"] = 10.1
    fewer["result"].pop()
    more["result"].append(box(70))
    for item in unmarked["result"]:
        del item["meta"]
    updated, starred = made(box(10)) | {"lead_time": 3.5}, made(box(10)) | {"ground_truth": True}
    assert not any(is_untouched(each) for each in (moved, fewer, more, unmarked, updated, starred))


@pytest.mark.parametrize("time", [None, False, 0.2, "0"])
def test_an_empty_annotation_of_a_person_is_not_taken_for_one(time: object) -> None:
    assert not is_untouched({"lead_time": time, "result": []})


def test_a_marked_annotation_with_a_damaged_item_is_no_error() -> None:
    assert not is_untouched({"lead_time": 0, "result": [1, box(10)]})
    assert not is_untouched({"lead_time": 0, "result": [box(10, meta=["text"])]})


def pictures_of(annotation: dict[str, Any]) -> tuple[int, Counter[str]]:
    config = LabelConfig.parse(CONFIG)
    skipped: Counter[str] = Counter()
    task = annotated_task(7, {"data": {"image": "/a.png"}}, [annotation])
    return len(PictureReader(config, label_schema(config), skipped).pictures(task)), skipped


def test_nothing_is_learned_from_it_until_a_person_changes_it() -> None:
    untouched = made(box(10))
    assert pictures_of(untouched) == (0, Counter({AUTOMATIC: 1}))
    moved = json.loads(json.dumps(untouched))
    moved["result"][0]["value"]["x"] = 12
    n_pictures, skipped = pictures_of(moved)
    assert (n_pictures, skipped[AUTOMATIC]) == (1, 0)


def test_its_event_neither_asks_for_a_training_nor_lends_objects_to_other_frames() -> None:
    body = {
        "action": "ANNOTATION_CREATED",
        "project": {"id": 1},
        "task": {"id": 7, "data": {"image": "/a.png", "sequence": "a", "frame": 1}},
        "annotation": made(box(10)),
    }
    fields = SequenceFields(("sequence",), ("frame",))
    event = parse_webhook(body)
    assert event.skipped
    assert frame_changes(event, fields).annotated == []
    touched = parse_webhook(body | {"annotation": made(box(10)) | {"lead_time": 2.0}})
    assert not touched.skipped
    assert len(frame_changes(touched, fields).annotated) == 1
