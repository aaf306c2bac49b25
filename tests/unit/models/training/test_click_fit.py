"""A project's click model, from drawn objects that the shipped one gets wrong; small and short."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from models.errors import ImageError, TooFewExamplesError
from models.interactive.clicknet import WEIGHTS, ClickNetModel
from models.networks.clicknet import ClickNet
from models.prompts import Click, Prompts
from models.regions import Region
from models.training.click_fit import ClickTraining, count_objects, fit_click_model
from models.training.click_gate import SHIPPED, judge_clicks, judged_objects
from models.training.click_pictures import ProjectPictures, outlined
from models.training.click_run import half_precision
from models.training.examples import Example
from models.training.fit_progress import FitProgress
from models.training.prelabel_fit import FitOutcome
from models.training.prelabel_split import split
from tests.fakes.dotted_objects import dotted_example, dotted_picture

EXAMPLES = [dotted_example(number) for number in range(20)]
SHORT = ClickTraining(batch_size=1, learning_rate=1e-3, most_steps=24, save_every_s=0.0, most_judged=6)


class StoppedError(Exception):
    """What a report may raise."""


def ignore(_: object) -> None:
    """Nobody waits."""


def fit(
    scratch: Path,
    *,
    examples: list[Example] = EXAMPLES,
    active: Path | None = None,
    how: ClickTraining = SHORT,
    report: Callable[[FitProgress], None] = ignore,
) -> FitOutcome:
    return fit_click_model(examples, scratch, active=active, budget_s=1e4, seed=1, report=report, how=how)


def stop_in(stage: str, after: int, seen: list[FitProgress]) -> Callable[[FitProgress], None]:
    """A report that notes everything, and ends the fit after so many messages of a stage."""
    countdown = [after]

    def report(progress: FitProgress) -> None:
        seen.append(progress)
        countdown[0] -= stage in progress.stage
        if countdown[0] < 0:
            raise StoppedError

    return report


def unreadable() -> np.ndarray:  # type: ignore[type-arg]
    raise ImageError("It is gone.")


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> FitOutcome:
    """A fit that nobody stopped."""
    return fit(tmp_path_factory.mktemp("fitted") / "scratch")


def test_objects_that_the_shipped_model_gets_wrong_need_fewer_clicks(fitted: FitOutcome) -> None:
    clicks = fitted.metrics["noc"]

    assert fitted.gate.passed
    assert clicks["the candidate"]["90"] < 0.5 * clicks[SHIPPED]["90"]
    assert fitted.gate.figures["objects"] == 6
    assert fitted.metrics["objects"] == 60
    assert sorted(path.name for path in fitted.folder.iterdir()) == ["network.json", "weights.safetensors"]
    json.dumps([fitted.metrics, fitted.gate.figures])


def test_what_was_held_out_is_never_learned_from_and_decides(fitted: FitOutcome) -> None:
    learned, held_out = split(EXAMPLES)

    assert set(fitted.trained_on) == {each.key for each in learned}
    assert set(fitted.held_out) == {each.key for each in held_out}
    assert set(fitted.gate.compared) <= set(fitted.held_out)


def test_the_fitted_model_answers_clicks_and_keeps_the_encoder(fitted: FitOutcome) -> None:
    weights = fitted.folder / "weights.safetensors"
    model = ClickNetModel(weights=weights, version="clicknet-p7-1")
    model.load()
    image, (region, *_) = dotted_picture(100)
    row, column = (first + size // 2 for first, size in zip(region.box, region.mask.shape, strict=False))
    found = Region.from_mask(model.segment(model.encode(image), Prompts((Click(row, column),))).mask)

    assert model.version == "clicknet-p7-1"
    assert found is not None and found.iou(region) > 0.7
    shipped, trained = load_file(WEIGHTS), load_file(weights)
    changed = {name.partition(".")[0] for name in trained if not torch.equal(trained[name], shipped[name])}
    assert "encoder" not in changed
    assert "level16" in changed
    assert weights.stat().st_size < 6e6


def test_a_stopped_fit_goes_on_where_it_was(fitted: FitOutcome, tmp_path: Path) -> None:
    seen: list[FitProgress] = []
    for stage, after in (("reading", 5), ("training", 0), ("training", 9), ("training", 9), ("comparing", 2)):
        with pytest.raises(StoppedError):
            fit(tmp_path, report=stop_in(stage, after, seen))
    last: list[FitProgress] = []
    outcome = fit(tmp_path, report=last.append)

    training = [progress.done for progress in seen if "training" in progress.stage]
    assert training == sorted(training)  # no step is made twice
    assert len(training) == SHORT.most_steps + 3  # one message per step, and one for each stop
    assert not any("training" in progress.stage for progress in last)
    assert last[-1].done == 1.0
    assert outcome.gate.passed
    assert outcome.metrics["steps"] == SHORT.most_steps
    assert (outcome.trained_on, outcome.held_out) == (fitted.trained_on, fitted.held_out)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_the_gate_compares_with_the_model_in_use_and_goes_on_from_it(
    fitted: FitOutcome, tmp_path: Path
) -> None:
    outcome = fit(tmp_path, active=fitted.folder, how=replace(SHORT, most_steps=1, learning_rate=0.0))
    ours, theirs = (load_file(each.folder / "weights.safetensors") for each in (outcome, fitted))

    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    assert set(outcome.gate.figures["against"]) == {SHIPPED, "the model in use"}
    assert outcome.gate.passed


def judged(candidate: Path, active: Path | None = None) -> tuple[bool, str]:
    decision, _ = judge_clicks(
        candidate,
        EXAMPLES[:4],
        shipped=WEIGHTS,
        active=active,
        budget_s=0.0,
        most_objects=6,
        report=ignore,
    )
    assert decision.figures["objects"] == 5  # as many as there must be, when the time is over
    return decision.passed, decision.reason


def test_a_spoiled_model_is_refused(fitted: FitOutcome, tmp_path: Path) -> None:
    torch.manual_seed(0)
    spoiled = tmp_path / "spoiled.safetensors"
    save_file(half_precision(ClickNet().state_dict()), spoiled)
    passed, reason = judged(spoiled, active=fitted.folder / "weights.safetensors")

    assert not passed
    assert reason.startswith("Refused, worse than")
    assert "the model in use" in reason


def test_a_model_that_is_no_better_than_the_shipped_one_is_refused() -> None:
    passed, reason = judged(WEIGHTS)
    assert not passed
    assert reason.startswith(f"Refused, no better than {SHIPPED}")


def test_too_few_objects_or_none_to_judge_by_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TooFewExamplesError, match="50 outlined objects, boxes left out; there are 48"):
        fit(tmp_path, examples=EXAMPLES[:16])
    crowded = [replace(each, group="one video") for each in EXAMPLES]
    with pytest.raises(TooFewExamplesError, match="there are 0 of 60"):
        fit(tmp_path, examples=crowded)
    with pytest.raises(TooFewExamplesError, match="It is gone"):
        fit(tmp_path, examples=[replace(each, load_image=unreadable) for each in EXAMPLES])


def test_boxes_and_specks_are_no_outlines() -> None:
    _, regions = dotted_picture(1)
    box = Region(np.ones((20, 20), dtype=bool), 3, 3)
    speck = Region(np.eye(3, dtype=bool), 3, 3)
    example = Example("1", "1", lambda: dotted_picture(1)[0], (*regions, box, speck), {})

    assert outlined(example) == regions
    assert count_objects([example, replace(example, regions=None)]) == len(regions)


def test_objects_that_overlap_are_learned_whole() -> None:
    disc = np.hypot(*np.mgrid[-20:21, -20:21]) <= 20
    cell, nucleus = Region(disc, 20, 20), Region(disc[::2, ::2], 30, 30)
    image, _ = dotted_picture(2)
    example = Example("1", "1", lambda: image, (cell, nucleus), {})
    pictures = ProjectPictures([example], seed=0, report=ignore)
    areas = {np.count_nonzero(pictures.draw(np.random.default_rng(seed))[1]) for seed in range(20)}

    assert areas == {cell.area, nucleus.area}


def test_unreadable_pictures_are_left_out_and_named() -> None:
    gone = replace(EXAMPLES[0], load_image=unreadable)
    pictures = ProjectPictures([gone, *EXAMPLES[1:3]], seed=0, report=ignore)

    assert pictures.keys == tuple(sorted(each.key for each in EXAMPLES[1:3]))
    assert pictures.problems == {gone.key: "It is gone."}


def test_the_objects_that_decide_come_from_many_pictures_and_stay_the_same() -> None:
    chosen = judged_objects(EXAMPLES[:5], 8)
    again = judged_objects(EXAMPLES[4::-1], 8)

    assert sorted(len(regions) for _, regions in chosen) == [1, 1, 2, 2, 2]
    assert [(example.key, regions) for example, regions in chosen] == [
        (example.key, regions) for example, regions in again
    ]
