"""Pre-labels that were accepted without a look."""

from dataclasses import replace

from backend.inspection.base import WARN_AT, Subject, Work
from backend.inspection.untouched_pre_label import UntouchedPreLabel
from models.regions import Region
from tests.fakes.inspected import SIZE_HW, clean_subject, disc, severities

RULE = UntouchedPreLabel()


def accepted(seconds: float, *, seed: int = 77, began_from: tuple[Region, ...] | None = None) -> Subject:
    subject = clean_subject(seed)
    regions = tuple(drawn.region for drawn in subject.objects) if began_from is None else began_from
    return replace(subject, work=Work(1, seconds, regions))


def corrected(seconds: float, seed: int) -> Subject:
    other = Region.from_mask(disc(50, 50, 5, SIZE_HW), "cell")
    assert other is not None
    return accepted(seconds, seed=seed, began_from=(other,))


TEAM = {f"{seed}/image": corrected(40, seed) for seed in range(20)}


def test_what_was_accepted_at_once_is_doubted() -> None:
    assert severities(RULE, accepted(2), TEAM)[""] >= WARN_AT


def test_a_longer_look_and_any_change_are_not() -> None:
    assert severities(RULE, accepted(20), TEAM)[""] < WARN_AT
    assert severities(RULE, corrected(2, 77), TEAM) == {}


def test_another_order_is_no_change_and_another_label_is() -> None:
    regions = tuple(drawn.region for drawn in clean_subject(77).objects)
    assert severities(RULE, accepted(2, began_from=regions[::-1]), TEAM)[""] >= WARN_AT
    renamed = (replace(regions[0], class_name="grain"), *regions[1:])
    assert severities(RULE, accepted(2, began_from=renamed), TEAM) == {}


def test_what_began_from_nothing_was_not_accepted() -> None:
    assert severities(RULE, replace(accepted(2), work=Work(1, 2.0)), TEAM) == {}
    assert severities(RULE, replace(accepted(2, began_from=()), objects=()), TEAM) == {}


def test_nobody_looks_at_a_picture_in_a_second_however_fast_the_others_are() -> None:
    fast = {f"{seed}/image": accepted(1, seed=seed) for seed in range(20)}
    assert severities(RULE, accepted(1), fast)[""] >= WARN_AT
    assert severities(RULE, accepted(5), fast)[""] < WARN_AT
