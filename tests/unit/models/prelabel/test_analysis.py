import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.prelabel.analysis import Calibration, agreement_of, estimate_of, fit_calibration
from tests.fakes.analyses import analysis_of

SHARES = st.floats(0, 1)
WEIGHTS = st.floats(-5, 5)
DISC = np.hypot(*np.mgrid[-30:30, -30:30]) < 15


def test_the_winner_is_the_most_probable_class() -> None:
    numbers = np.random.default_rng(0).integers(0, 4, (7, 9))

    assert np.array_equal(analysis_of(numbers, n_classes=3).winner, numbers)


def test_a_segmentation_without_any_doubt_is_expected_to_be_perfect() -> None:
    assert estimate_of(analysis_of(DISC, sure=1.0, quality=1.0, consistency=1.0)) == pytest.approx(1)


def test_an_object_of_which_half_is_wrong_is_expected_to_be_worse() -> None:
    errors = (DISC & (np.arange(60) < 30)).astype(np.float32)
    kept = np.count_nonzero(DISC) - errors.sum()
    dice = 2 * kept / (2 * kept + errors.sum())
    right, wrong = (estimate_of(analysis_of(DISC, sure=1.0, errors=each)) for each in (None, errors))

    assert right - wrong == pytest.approx((1 - dice) / 6, abs=0.01)


def test_each_doubt_lowers_the_estimate() -> None:
    best = estimate_of(analysis_of(DISC, sure=0.99, quality=0.9, consistency=0.9))
    doubts = [
        analysis_of(DISC, sure=0.7, quality=0.9, consistency=0.9),
        analysis_of(DISC, sure=0.99, quality=0.5, consistency=0.9),
        analysis_of(DISC, sure=0.99, quality=0.9, consistency=0.5),
        analysis_of(DISC, sure=0.99, quality=0.9, consistency=0.9, novelty=0.5),
    ]

    assert all(estimate_of(each) < best for each in doubts)


@pytest.mark.parametrize("winner", [np.zeros((9, 9), int), np.ones((9, 9), int)])
def test_estimates_about_pictures_of_nothing_or_of_one_class_are_shares(winner: np.typing.ArrayLike) -> None:
    for error in (0.0, 0.5, 1.0):
        errors = np.full((9, 9), error, dtype=np.float32)
        for sure in (0.51, 1.0):
            assert 0 <= estimate_of(analysis_of(winner, sure=sure, errors=errors)) <= 1


def test_the_agreement_of_segmentations_is_their_dice_coefficient() -> None:
    disc, half = DISC, DISC & (np.arange(60) < 30)
    one, other = (analysis_of(each, sure=1.0).probabilities for each in (disc, half))
    expected = 2 * np.count_nonzero(half) / (np.count_nonzero(disc) + np.count_nonzero(half))
    nothing = analysis_of(np.zeros((9, 9), int), sure=1.0).probabilities

    assert agreement_of(one, one) == agreement_of(nothing, nothing) == 1
    assert agreement_of(one, other) == agreement_of(other, one) == pytest.approx(expected, abs=0.01)


@given(WEIGHTS, WEIGHTS, SHARES)
def test_the_expected_dice_is_a_share_whatever_the_line(offset: float, slope: float, believed: float) -> None:
    analysis = analysis_of(DISC, quality=believed, novelty=0.3)

    assert 0 <= Calibration(offset, slope).expected_dice(analysis) <= 1


def test_a_line_is_recovered_from_many_pictures() -> None:
    estimates = np.random.default_rng(0).uniform(0.2, 0.9, 200)
    fitted = fit_calibration(estimates.tolist(), (0.3 + 0.6 * estimates).tolist())

    assert (fitted.offset, fitted.slope) == pytest.approx((0.3, 0.6), abs=0.02)


def test_few_pictures_hardly_turn_the_line() -> None:
    fitted = fit_calibration([0.8, 0.82, 0.84], [0.9, 0.6, 0.3])

    assert 0.7 < fitted.slope < 1


def test_estimates_that_point_the_wrong_way_are_hardly_listened_to() -> None:
    estimates = np.linspace(0.2, 0.9, 50)

    assert fit_calibration(estimates.tolist(), (1 - estimates).tolist()).slope == 0.1


def test_one_picture_only_shifts_the_line() -> None:
    fitted = fit_calibration([0.7], [0.5])

    assert (fitted.offset, fitted.slope) == pytest.approx((-0.2, 1))


def test_without_pictures_the_calibration_is_the_default() -> None:
    assert fit_calibration([], []) == Calibration()


@given(st.lists(st.tuples(SHARES, SHARES), min_size=1, max_size=12))
def test_every_line_is_finite_and_meets_the_mean(pictures: list[tuple[float, float]]) -> None:
    estimates, dices = [said for said, _ in pictures], [dice for _, dice in pictures]
    fitted = fit_calibration(estimates, dices)
    expected = [fitted.offset + fitted.slope * each for each in estimates]

    assert np.isfinite(expected).all()
    assert np.mean(expected) == pytest.approx(np.mean(dices), abs=1e-6)


def test_a_calibration_survives_json() -> None:
    calibration = Calibration(0.1, 0.2)

    assert Calibration.from_json(calibration.to_json()) == calibration
    with pytest.raises(KeyError):
        Calibration.from_json({"offset": 0.1})
