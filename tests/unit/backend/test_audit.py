from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from backend.errors import AuditError
from backend.labelstudio.automatic_annotations import automatic_annotation
from backend.labelstudio.label_config import LabelConfig
from backend.labelstudio.submissions import Submitted, annotated_task
from backend.services.agreement import Agreement
from backend.services.audit import Automation, checked_annotation, report
from backend.services.audit_draw import draw, shared_out
from backend.state.audits import Audit, Audits, DrawnTask, Stratum

CONFIG = """<View><Image name="image" value="$image"/>
<RectangleLabels name="box" toName="image"><Label value="Cell"/></RectangleLabels>
<Choices name="stain" toName="image"><Choice value="weak"/><Choice value="strong"/></Choices></View>"""
SCORES = {number: 0.95 for number in range(1, 91)} | {number: 0.3 for number in range(91, 101)}


def box(left: float) -> dict[str, Any]:
    value = {"x": left, "y": 0, "width": 20, "height": 50, "rotation": 0, "rectanglelabels": ["Cell"]}
    size = {"original_width": 100, "original_height": 100, "image_rotation": 0}
    names = {"from_name": "box", "to_name": "image", "type": "rectanglelabels"}
    return {"id": f"r{left}", "value": value, **size, **names}


def choice(answer: str) -> dict[str, Any]:
    return {"id": "c", "type": "choices", "from_name": "stain", "to_name": "image"} | {
        "value": {"choices": [answer]}
    }


def submitted(*items: dict[str, Any], **fields: Any) -> Submitted:
    body = {"id": 1, "result": list(items), "lead_time": 5.0} | fields
    (found,) = annotated_task(1, {}, [body]).annotations
    return found


def audit_of(strata: tuple[Stratum, ...], *tasks: DrawnTask) -> Audit:
    return Audit(1, 1, "unet-p1-3-0123abcd", 0.0, 0, strata, tasks)


def reported(audit: Audit, said: list[Submitted]) -> Any:
    checked = list(zip(audit.tasks, said, strict=False))
    return report(audit, checked, Agreement(LabelConfig.parse(CONFIG)), Automation(100, 6))


def test_a_simple_draw_is_random_and_the_same_for_the_same_seed() -> None:
    drawn, strata = draw(SCORES, 20, 7, stratified=False)
    assert strata == (Stratum(0.3, 0.95, 100),)
    assert len({number for number, _ in drawn}) == 20
    assert drawn == draw(SCORES, 20, 7, stratified=False)[0] != draw(SCORES, 20, 8, stratified=False)[0]


def test_a_stratified_draw_looks_at_the_few_with_low_scores() -> None:
    drawn, strata = draw(SCORES, 16, 0, stratified=True)
    assert strata == (Stratum(0.3, 0.3, 10), Stratum(0.95, 0.95, 90))
    assert Counter(stratum for _, stratum in drawn) == {0: 8, 1: 8}
    assert all((number > 90) == (stratum == 0) for number, stratum in drawn)


def test_a_draw_of_more_than_there_are_takes_all() -> None:
    drawn, _ = draw(SCORES, 500, 0, stratified=True)
    assert [number for number, _ in drawn] == list(range(1, 101))


@pytest.mark.parametrize(
    ("total", "sizes", "counts"),
    [(9, (5, 5, 5), [3, 3, 3]), (9, (1, 5, 5), [1, 4, 4]), (2, (5, 5, 5), [1, 1, 0]), (99, (2, 3), [2, 3])],
)
def test_what_one_group_lacks_the_others_give(total: int, sizes: tuple[int, ...], counts: list[int]) -> None:
    assert shared_out(total, [[0] * size for size in sizes]) == counts


def test_pre_labels_that_were_accepted_are_right() -> None:
    audit = audit_of(
        (Stratum(0, 1, 40),), *(DrawnTask(n, 0, 0.9, [box(0), choice("weak")]) for n in range(4))
    )
    found = reported(audit, [submitted(box(0), choice("weak"))] * 3)
    assert (found.drawn, found.checked, found.unreadable) == (4, 3, 0)
    assert found.unchanged.value == found.dice.value == found.object_iou.value == 1
    assert [value.value for value in found.pictures.values()] == [1, 1, 1]
    assert found.answers["stain"].value == 1
    assert found.pictures[0.9].low == pytest.approx(0.4385, abs=1e-4)  # Wilson, 3 of 3
    assert found.automation.share == pytest.approx(0.94)


def test_corrections_count_by_how_much_they_change() -> None:
    audit = audit_of((Stratum(0, 1, 40),), *(DrawnTask(number, 0, 0.9, [box(0)]) for number in range(4)))
    said = [submitted(box(0)), submitted(box(4)), submitted(box(0), box(50)), submitted()]
    found = reported(audit, said)
    overlap = 16 / 24
    assert found.unchanged.value == 0.25
    assert found.object_iou.value == pytest.approx((1 + overlap + 1 + 0 + 0) / 5)
    assert found.object_iou.n == 5
    assert found.objects[0.5].value == pytest.approx(3 / 5)
    assert found.objects[0.75].value == pytest.approx(2 / 5)
    assert found.pictures[0.5].value == pytest.approx(3 / 4)
    assert found.pictures[0.75].value == pytest.approx(1 / 4)
    assert found.dice.value == pytest.approx((1 + 0.8 + 2 / 3 + 0) / 4)


def test_a_stratified_sample_is_weighted_back() -> None:
    strata = (Stratum(0.3, 0.3, 10), Stratum(0.95, 0.95, 90))
    wrong = [DrawnTask(number, 0, 0.3, [box(0)]) for number in range(5)]
    right = [DrawnTask(number, 1, 0.95, [box(0)]) for number in range(5, 10)]
    found = reported(audit_of(strata, *wrong, *right), [submitted(box(60))] * 5 + [submitted(box(0))] * 5)
    assert found.dice.value == pytest.approx(0.9)
    assert found.pictures[0.9].value == pytest.approx(0.9)
    assert found.objects[0.9].value == pytest.approx(90 / (90 + 2 * 10))


def test_before_anybody_has_checked_there_are_no_figures() -> None:
    found = reported(audit_of((Stratum(0, 1, 40),), DrawnTask(1, 0, 0.9, [box(0)])), [])
    assert (found.checked, found.unchanged, found.dice, found.pictures) == (0, None, None, {})


def test_skips_and_automatic_annotations_are_no_checks() -> None:
    automatic = submitted(**automatic_annotation([box(0)], "unet-p1-3-0123abcd", 9))
    skip = submitted(was_cancelled=True)
    own = submitted(box(0))
    assert checked_annotation([automatic, skip]) is None
    assert checked_annotation([automatic, own, skip]) is own


def test_audits_are_kept_and_counted(tmp_path: Path) -> None:
    audits = Audits(tmp_path)
    assert audits.latest(1) is None
    audit = audit_of((Stratum(0, 1, 40),), DrawnTask(1, 0, 0.9, [box(0)]))
    audits.save(audit)
    again = audits.latest(1)
    assert again is not None
    assert vars(again.tasks[0]) == vars(audit.tasks[0])
    assert (again.strata, again.version, audits.numbers(1)) == (audit.strata, audit.version, [1])
    with pytest.raises(AuditError, match="there are: 1"):
        audits.load(1, 2)
    (tmp_path / "1" / "1.json").write_text("{}")
    with pytest.raises(AuditError, match="cannot be read"):
        audits.latest(1)
