from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from backend.errors import RequestError
from backend.labelstudio.annotations import decode_annotation
from backend.labelstudio.label_config import LabelConfig
from backend.labelstudio.results import ResultOptions, encode_choices, encode_region
from backend.labelstudio.submissions import AnnotatedTask, annotated_task
from backend.labelstudio.task_reports import FIELD
from backend.services.annotation_cleaning import AnnotationCleaning, annotation_digest, counting_annotation
from models.arrays import Image, Mask
from models.chain_text import build_chain
from models.postprocess import POST_PROCESSORS
from tests.fakes.shapes import SIZE_HW, box, disc, picture_of, region_of

CONFIG = LabelConfig.parse("""<View>
  <Image name="image" value="$image"/>
  <BrushLabels name="brush" toName="image"><Label value="a"/><Label value="b"/></BrushLabels>
  <PolygonLabels name="polygon" toName="image"><Label value="a"/></PolygonLabels>
  <Brush name="bare" toName="image"/><Labels name="labels" toName="image"><Label value="a"/></Labels>
  <RectangleLabels name="box" toName="image"><Label value="a"/></RectangleLabels>
  <KeyPointLabels name="point" toName="image" smart="true"><Label value="a"/></KeyPointLabels>
  <Choices name="kind" toName="image"><Choice value="good"/></Choices>
</View>""")
WHOLE, CRUMB = disc(40, 50, 20), box(5, 5, 7, 8)


def items(control: str, mask: Mask, region_id: str, label: str = "a") -> list[dict[str, Any]]:
    found = CONFIG.control(control)
    assert found is not None
    return encode_region(region_of(mask), found, label, SIZE_HW, region_id=region_id)


def task(*results: Sequence[Any], **fields: Any) -> AnnotatedTask:
    annotations = [
        {"id": number, "result": list(result), "updated_at": f"2026-11-21T10:00:0{number}Z", **fields}
        for number, result in enumerate(results, start=1)
    ]
    return annotated_task(7, {"data": {"image": "/a.png"}}, annotations)


def no_picture(task: AnnotatedTask, to_name: str) -> Image:
    raise AssertionError("nobody looks at pictures")


def cleaning(chain: str = "drop-fragments", **options: Any) -> AnnotationCleaning:
    known: dict[str, Any] = {"load_image": no_picture, "version": "cleaned-1", "least_change": 0.001}
    known |= {"options": ResultOptions()} | options
    return AnnotationCleaning(CONFIG, build_chain(POST_PROCESSORS, chain), **known)


def cleaned_items(annotated: AnnotatedTask, chain: str = "drop-fragments") -> list[dict[str, Any]]:
    answer = cleaning(chain).clean(annotated).answer
    assert answer is not None
    return [dict(item) for item in answer.result]


def mask_of(written: Sequence[Any]) -> Mask:
    (region,) = decode_annotation(written, CONFIG.controls).regions
    return region.region.full_mask(SIZE_HW)


@pytest.mark.parametrize("control", ["brush", "bare"])
def test_a_brush_region_is_written_as_it_was_but_for_its_mask(control: str) -> None:
    before = items(control, WHOLE | CRUMB, "r")
    after = cleaned_items(task(before))
    note = {"meta": {"text": ["drop-fragments: 6 px removed in 1 place"]}}
    for old, new in zip(before, after, strict=True):
        kept = {key: old[key] for key in ("id", "from_name", "to_name", "type")}
        assert new == new | kept | note
    assert np.array_equal(mask_of(after), WHOLE)


def test_polygons_are_cleaned_as_masks_and_written_as_polygons() -> None:
    notched = disc(40, 50, 20) & ~box(20, 48, 40, 52)
    (after,) = cleaned_items(task(items("polygon", notched, "p")), "convex-hull")
    assert after["type"] == "polygonlabels"
    assert mask_of([after])[WHOLE].mean() > 0.98


def test_several_labels_of_a_region_stay() -> None:
    (item,) = items("brush", WHOLE | CRUMB, "r")
    item["value"]["brushlabels"] = ["b", "a"]
    assert cleaned_items(task([item]))[0]["value"]["brushlabels"] == ["b", "a"]


def test_boxes_choices_and_masks_that_do_not_change_are_passed_on_and_prompts_left_out() -> None:
    choices = CONFIG.control("kind")
    assert choices is not None
    others = [*encode_choices(choices, ["good"]), *items("box", CRUMB, "x"), *items("brush", WHOLE, "w")]
    prompt, changed = items("point", WHOLE, "k"), items("brush", disc(65, 20, 9) | CRUMB, "r")
    after = cleaned_items(task([*others, *prompt, *changed]))
    assert after[:-1] == others
    assert after[-1]["id"] == "r"


def test_what_changes_too_little_gives_no_prediction_but_is_reported() -> None:
    found = cleaning(least_change=0.01).clean(task(items("brush", WHOLE | CRUMB, "r")))
    assert found.answer is None
    assert 0 < found.change < 0.01
    assert found.steps[0].removed == 6


def test_the_picture_is_loaded_only_for_steps_that_look_at_it() -> None:
    annotated = task(items("brush", disc(40, 53, 20), "r"))
    snapped = cleaning("snap-to-edges", load_image=lambda task, to_name: picture_of(WHOLE)).clean(annotated)
    assert snapped.answer is not None
    assert np.count_nonzero(mask_of(snapped.answer.result) ^ WHOLE) < 30
    with pytest.raises(RequestError, match="10 x 10"):
        cleaning("snap-to-edges", load_image=lambda task, to_name: np.zeros((10, 10, 3), np.uint8)).clean(
            annotated
        )


def test_a_region_that_cannot_be_read_spoils_its_annotation() -> None:
    broken = items("brush", WHOLE, "r")
    broken[0]["value"]["rle"] = [1]
    with pytest.raises(RequestError, match="Annotation 1: Region r"):
        cleaning().clean(task(broken))


def test_a_task_without_annotations_that_count_gives_nothing() -> None:
    assert cleaning().clean(task()).answer is None
    assert cleaning().clean(task(items("brush", WHOLE | CRUMB, "r"), was_cancelled=True)).answer is None


def test_the_newest_annotation_counts_unless_another_is_the_truth() -> None:
    annotated = task([], items("brush", WHOLE, "r"), [])
    newest = counting_annotation(annotated)
    assert newest is not None and newest.id == 3
    first, *rest = annotated.annotations
    marked = replace(annotated, annotations=(replace(first, ground_truth=True), *rest))
    chosen = counting_annotation(marked)
    assert chosen is not None and chosen.id == 1


def test_the_digest_changes_with_the_annotation_and_the_picture_alone() -> None:
    one = task(items("brush", WHOLE, "r"))
    later = replace(one, annotations=(replace(one.annotations[0], updated_at=5.0),))
    assert annotation_digest(one) == annotation_digest(later)
    assert annotation_digest(one) != annotation_digest(task(items("brush", WHOLE | CRUMB, "r")))
    assert annotation_digest(one) != annotation_digest(replace(one, data={"image": "/b.png"}))
    assert annotation_digest(one) != annotation_digest(task())
    assert annotation_digest(one) == annotation_digest(replace(one, data={**one.data, FIELD: "0.90 holes"}))
