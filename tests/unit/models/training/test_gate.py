import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.training.gate import compare, decide

SHARES = st.floats(0, 1)
PAIRS = st.lists(st.tuples(SHARES, SHARES), min_size=1, max_size=25)


def keys(count: int) -> list[str]:
    return [str(number) for number in range(count)]


def spread(mean: float, count: int = 20) -> list[float]:
    noise = np.random.default_rng(0).normal(0, 0.05, count)
    return list(np.clip(mean + noise - noise.mean(), 0, 1))


@pytest.mark.parametrize(("mean", "passes"), [(0.9, True), (0.8, True), (0.795, True), (0.7, False)])
def test_who_is_not_worse_passes(mean: float, *, passes: bool) -> None:
    decision = decide(keys(20), spread(mean), {"the model in use": spread(0.8)}, "held-out pictures")

    assert decision.passed == passes
    assert decision.compared == tuple(keys(20))
    assert ("Refused, worse than the model in use" in decision.reason) != passes
    assert "20 examples (held-out pictures)" in decision.reason


def test_small_losses_of_versions_that_follow_each_other_count_together() -> None:
    best, score, shortfall, passed = 0.8, 0.8, 0.0, 0
    for _ in range(10):
        candidate = score - 0.004
        decision = decide(
            keys(20),
            spread(candidate),
            {"the model in use": spread(score)},
            "held-out pictures",
            {"the model in use": shortfall},
        )
        if decision.passed:
            score, shortfall, passed = candidate, decision.figures["shortfall"], passed + 1

    assert passed == 2
    assert best - score < 0.01


def test_a_gain_makes_up_for_losses() -> None:
    rivals = {"the model in use": spread(0.8)}
    decision = decide(keys(20), spread(0.83), rivals, "held-out pictures", {"the model in use": 0.009})

    assert decision.passed
    assert decision.figures["shortfall"] == 0


def test_one_rival_that_is_better_is_enough_to_refuse() -> None:
    rivals = {"no training": spread(0.2), "the model in use": spread(0.9)}
    decision = decide(keys(20), spread(0.5), rivals, "cross-validation")

    assert not decision.passed
    assert "worse than the model in use:" in decision.reason
    assert "no training 0.200, the model in use 0.900" in decision.reason


def test_the_evidence_is_plain_json() -> None:
    decision = decide(keys(3), [0.5, 0.6, 0.7], {"no training": [0.1, 0.2, 0.3]}, "held-out pictures")
    figures = json.loads(json.dumps(decision.figures, allow_nan=False))

    assert figures["examples"] == 3
    assert figures["score"] == 0.6
    assert figures["against"]["no training"] == {
        "mean": 0.6,
        "rival_mean": 0.2,
        "low": 0.4,
        "high": 0.4,
        "chance_worse": 0.0,
    }


@given(PAIRS)
def test_intervals_lie_in_range_and_turn_round_with_the_models(pairs: list[tuple[float, float]]) -> None:
    ours, theirs = [a for a, _ in pairs], [b for _, b in pairs]
    one, other = compare(ours, theirs), compare(theirs, ours)

    assert -1 <= one.low <= one.high <= 1
    assert 0 <= one.chance_worse <= 1
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low), abs=1e-9)
    assert one.chance_worse + other.chance_worse <= 1
    assert not (one.worse and other.worse)


@given(PAIRS)
def test_nobody_is_worse_than_its_equal_or_than_who_is_worse_everywhere(
    pairs: list[tuple[float, float]],
) -> None:
    low, high = [min(pair) for pair in pairs], [max(pair) for pair in pairs]

    assert not compare(high, high).worse
    assert not compare(high, low).worse
    assert compare(high, low).low >= 0


def test_a_single_example_decides_alone() -> None:
    assert compare([0.4], [0.6]).worse
    assert not compare([0.6], [0.4]).worse


def test_the_resampling_repeats_with_its_seed() -> None:
    ours, theirs = spread(0.8), [0.8] * 20

    assert compare(ours, theirs, seed=1) == compare(ours, theirs, seed=1) != compare(ours, theirs, seed=2)


@pytest.mark.parametrize(("ours", "theirs"), [([], []), ([0.5], []), ([0.5, 0.6], [0.5]), ([1] * 3, [1] * 2)])
def test_lists_that_do_not_fit_are_refused(ours: list[float], theirs: list[float]) -> None:
    with pytest.raises(ValueError, match="same number of scores of both models"):
        compare(ours, theirs)
