import numpy as np
import pytest

from backend.services.audit_statistics import mean_of, share_of, stratum_weights, wilson


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        # Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17,
        # 1998, table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilsons_interval_is_that_of_the_published_table(
    successes: int, n: int, low: float, high: float
) -> None:
    assert wilson(successes / n, n) == pytest.approx((low, high), abs=5e-5)


def test_the_interval_of_all_successes_ends_at_one() -> None:
    low, high = wilson(1.0, 100)
    assert high == 1.0
    assert low == pytest.approx(0.963, abs=5e-4)


def test_each_checked_task_stands_for_its_share_of_the_stratum() -> None:
    weights = stratum_weights([0, 0, 1], [90, 10])
    assert weights / weights.sum() == pytest.approx([0.45, 0.45, 0.1])
    assert weights.mean() == pytest.approx(1)


def test_a_stratified_draw_is_weighted_back() -> None:
    """Half of the checked are of the stratum where everything is wrong, but it holds 10 % of the tasks."""
    strata = [0] * 50 + [1] * 50
    found = share_of([True] * 50 + [False] * 50, stratum_weights(strata, [900, 100]))
    assert found.value == pytest.approx(0.9)
    assert found.low < 0.9 < found.high
    plain = share_of([True] * 90 + [False] * 10, np.ones(100))
    assert found.high - found.low > plain.high - plain.low


def test_equal_weights_give_the_plain_interval() -> None:
    found = share_of([True] * 81 + [False] * 182, np.full(263, 1.0))
    assert (found.low, found.high) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert found.n == 263


def test_the_bootstrap_interval_covers_the_mean_as_often_as_it_says() -> None:
    covered = 0
    for seed in range(60):
        values = np.random.default_rng(seed).beta(8, 2, size=60)
        found = mean_of(values.tolist(), [1] * 60, [0] * 60, np.ones(60), seed)
        assert found is not None
        covered += found.low <= 0.8 <= found.high
    assert covered >= 52


def test_objects_are_resampled_with_their_pictures() -> None:
    """Ten objects that all share a fate are worth one picture, not ten observations."""
    together = mean_of([10.0, 0.0] * 10, [10] * 20, [0] * 20, np.ones(20))
    alone = mean_of([1.0, 0.0] * 100, [1] * 200, [0] * 200, np.ones(200))
    assert together is not None
    assert alone is not None
    assert together.value == alone.value == 0.5
    assert together.high - together.low > 2 * (alone.high - alone.low)
    assert (together.n, alone.n) == (200, 200)


def test_nothing_has_no_mean() -> None:
    assert mean_of([0.0, 0.0], [0, 0], [0, 0], np.ones(2)) is None
