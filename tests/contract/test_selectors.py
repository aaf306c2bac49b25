"""What every selector promises; a new member of the registry is covered without further work."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import fields, replace

import numpy as np
import pytest

from backend.selection import SELECTORS
from backend.selection.base import Figures, Places, Selector, Situation, ranked
from tests.fakes.situations import situation

FREE_TO_REPEAT = {"sequential", "random", "foreground-aware-random", "stochastic-batch"}
"""What others are compared with, exactly as it is published."""


@pytest.fixture(params=SELECTORS.names)
def selector(request: pytest.FixtureRequest) -> Selector:
    return SELECTORS.create(request.param)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def chosen(selector: Selector, among: Situation, budget: int, seed: int = 0) -> list[int]:
    return [int(index) for index in selector.select(among, budget, rng(seed))]


def without_looks(places: Places) -> Places:
    return replace(places, embeddings=np.zeros((len(places), 0), dtype=np.float32))


def nothing_known(n_candidates: int) -> Situation:
    """Candidates of which nothing is known but that they exist."""
    blank = np.zeros((n_candidates, 0), dtype=np.float32)
    numbers = np.arange(n_candidates, dtype=np.int64)
    candidates = Places(blank, numbers, np.full(n_candidates, np.nan))
    return Situation(candidates, candidates[np.array([], dtype=np.intp)])


@pytest.mark.parametrize("budget", [1, 7, 40, 100])
@pytest.mark.parametrize("n_labelled", [0, 1, 30])
@pytest.mark.parametrize("n_sequences", [None, 4])
def test_a_batch_has_as_many_tasks_as_wanted_each_once(
    selector: Selector, budget: int, n_labelled: int, n_sequences: int | None
) -> None:
    batch = chosen(selector, situation(40, n_labelled, n_sequences=n_sequences), budget)
    assert len(batch) == len(set(batch)) == min(budget, 40)
    assert set(batch) <= set(range(40))


def test_everything_is_ranked_once_the_batch_first(selector: Selector) -> None:
    among = situation(40, 5)
    order = ranked(selector, among, 10, rng()).order
    assert sorted(order) == list(range(40))
    assert list(order[:10]) == chosen(selector, among, 10)


def test_utilities_are_a_number_for_each_task(selector: Selector) -> None:
    values = selector.utilities(situation(40, 5), rng())
    assert values.shape == (40,)
    assert np.isfinite(values).all()


@pytest.mark.parametrize("n_candidates", [1, 2])
def test_one_or_two_tasks_can_be_ranked(selector: Selector, n_candidates: int) -> None:
    assert sorted(ranked(selector, situation(n_candidates), 5, rng()).order) == list(range(n_candidates))


def test_the_same_chance_chooses_the_same_tasks(selector: Selector) -> None:
    among = situation(60, 6)
    assert chosen(selector, among, 9, seed=3) == chosen(selector, among, 9, seed=3)


def test_nothing_is_changed(selector: Selector) -> None:
    among = situation(30, 6, n_sequences=3)
    before = deepcopy(among)
    ranked(selector, among, 5, rng())
    for part, old in ((among.candidates, before.candidates), (among.labelled, before.labelled)):
        for field in fields(part):
            np.testing.assert_array_equal(getattr(part, field.name), getattr(old, field.name))
    for field in fields(Figures):
        np.testing.assert_array_equal(getattr(among.figures, field.name), getattr(before.figures, field.name))


def test_only_what_is_needed_is_looked_at(selector: Selector) -> None:
    among = situation(30, 6)
    assert among.figures is not None
    bare = among.figures
    if "mutual_information" not in selector.uses:
        bare = replace(bare, mutual_information=None)
    if "disagreement" not in selector.uses:
        bare = replace(bare, disagreement=None)
    poor = replace(among, figures=bare)
    if "embeddings" not in selector.uses:
        poor = replace(
            poor, candidates=without_looks(among.candidates), labelled=without_looks(among.labelled)
        )
    assert chosen(selector, poor, 5) == chosen(selector, among, 5)


def test_what_needs_no_version_works_before_the_first_one(selector: Selector) -> None:
    if not selector.needs_version:
        assert sorted(ranked(selector, replace(situation(30, 6), figures=None), 5, rng()).order) == list(
            range(30)
        )
        assert sorted(ranked(selector, nothing_known(12), 5, rng()).order) == list(range(12))


def test_it_uses_what_there_is(selector: Selector) -> None:
    assert selector.uses <= {field.name for field in fields(Figures)} | {"embeddings"}
    assert not selector.needs_version or selector.uses - {"embeddings"}


def copies(n_copies: int, n_others: int) -> Situation:
    """Frames that all look the same and are the most valuable ones, then others."""
    among = situation(n_copies + n_others, 20, seed=2)
    among.candidates.embeddings[:n_copies] = among.candidates.embeddings[0]
    figures = among.figures
    assert figures is not None
    for field in fields(figures):
        value = getattr(figures, field.name)
        value[:n_copies] = 0.01 if field.name == "quality" else 0.99
        value[n_copies:] = 0.3 + 0.3 * value[n_copies:]
    return among


def test_copies_of_one_picture_are_not_asked_together(selector: Selector) -> None:
    if selector.name not in FREE_TO_REPEAT | {"sequence-aware"}:
        batch = chosen(selector, copies(10, 40), 10)
        assert sum(index < 10 for index in batch) <= 2


def test_neighbouring_frames_are_not_asked_together(selector: Selector) -> None:
    if selector.name in FREE_TO_REPEAT | {"core-set", "typiclust"}:
        return
    among = situation(200, 20, n_sequences=4)
    assert among.figures is not None
    for field in fields(among.figures):
        value = getattr(among.figures, field.name)
        value[:10] = 0.01 if field.name == "quality" else 0.99
        value[10:] = 0.3 + 0.3 * value[10:]
    assert sum(index < 10 for index in chosen(selector, among, 10)) <= 3
