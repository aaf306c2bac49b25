"""Clicks that lead to poor masks."""

from dataclasses import replace

import numpy as np
import pytest

from backend.inspection.base import WARN_AT, Issue, PromptStep, Subject, Work
from backend.inspection.click_features import NAMES, click_features
from backend.inspection.click_trajectory import ClickTrajectory, fit_weights, shipped_weights
from models.prompts import Box, Click, Prompts
from tests.fakes.inspected import clean_subject, disc, drawn


def steps_of(subject: Subject, n_clicks: int, overlap: float) -> tuple[PromptStep, ...]:
    """Clicks on the subject's first object, each of which changes the answer by so much."""
    region = subject.objects[0].region
    row, column = region.top + region.mask.shape[0] / 2, region.left + region.mask.shape[1] / 2
    clicks = [Click(row + number % 3, column - number % 5, number % 2 == 0) for number in range(n_clicks)]
    prompts = [Prompts(tuple(clicks[: number + 1])) for number in range(n_clicks)]
    return tuple(
        PromptStep(2.0 * number, each, region.area, overlap if number else None)
        for number, each in enumerate(prompts)
    )


def issues_of(subject: Subject) -> list[Issue]:
    rule = ClickTrajectory()
    measured = rule.measure(subject)
    return rule.judge("new", measured, rule.learn({"new": measured})) if measured else []


def test_a_dented_mask_that_changed_to_the_last_is_doubted_and_a_settled_round_one_is_not() -> None:
    subject = clean_subject(1)
    settled = replace(subject, work=Work(prompts=(steps_of(subject, 2, 0.97),)))
    dented = drawn(disc(20, 20, 12) | disc(40, 44, 12) | disc(20, 44, 4))
    torn = replace(subject, objects=(dented, *subject.objects[1:]))
    restless = replace(torn, work=Work(prompts=(steps_of(torn, 8, 0.3),)))
    (good,), (bad,) = issues_of(settled), issues_of(restless)
    assert good.severity < WARN_AT <= bad.severity
    assert bad.region_ids == (dented.id,)


def test_prompts_of_objects_that_were_not_kept_say_nothing() -> None:
    subject = clean_subject(1)
    prompts = (steps_of(subject, 3, 0.5),)
    assert ClickTrajectory().measure(replace(subject, objects=(), work=Work(prompts=prompts))) == {}
    assert ClickTrajectory().measure(subject) == {}
    elsewhere = replace(subject, objects=(drawn(disc(80, 100, 14)),), work=Work(prompts=prompts))
    assert ClickTrajectory().measure(elsewhere) == {}


def test_an_object_from_a_box_is_found_again() -> None:
    subject = clean_subject(1)
    top, left, bottom, right = subject.objects[0].region.box
    step = PromptStep(0.0, Prompts((), Box(top, left, bottom, right)), subject.objects[0].region.area, None)
    (issue,) = issues_of(replace(subject, work=Work(prompts=((step,),))))
    assert issue.region_ids == (subject.objects[0].id,)


@pytest.mark.parametrize("n_clicks", [1, 2, 30])
def test_features_are_finite_and_bounded(n_clicks: int) -> None:
    subject = clean_subject(1)
    features = click_features(steps_of(subject, n_clicks, 0.0), subject.objects[0].region)
    assert features.shape == (len(NAMES),)
    assert ((features >= 0) & (features <= 3)).all()


def test_crumbs_and_holes_lengthen_the_outline() -> None:
    subject = clean_subject(1)
    steps, number = steps_of(subject, 1, 0.0), NAMES.index("outline")
    whole = disc(40, 44, 20)
    holed, crumbled = whole & ~disc(40, 44, 6), whole | disc(10, 10, 3)
    round_one, *torn = (
        click_features(steps, drawn(mask).region)[number] for mask in (whole, holed, crumbled)
    )
    assert round_one == pytest.approx(0.35, abs=0.02)  # 2 pi r / sqrt(pi r²) / 10
    assert min(torn) > 1.1 * round_one


def test_reviewed_objects_refine_the_weights() -> None:
    rng = np.random.default_rng(0)
    features = rng.random((200, len(NAMES)))
    poor = features[:, NAMES.index("longest pause")] > 0.7
    before = shipped_weights()
    refined = fit_weights(features, poor, near=before, pull=10)
    assert refined[NAMES.index("longest pause")] > before[NAMES.index("longest pause")] + 0.5

    rule = ClickTrajectory()
    objects = [
        [f"r{number}", [0, 0, 9, 9], 3, row.tolist(), 0.5 if bad else 0.95]
        for number, (row, bad) in enumerate(zip(features, poor, strict=True))
    ]
    assert rule.learn({"a": {"objects": objects}})["weights"] == pytest.approx(refined.tolist())
    assert rule.learn({"a": {"objects": objects[:5]}})["weights"] == before.tolist()
