import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.prelabel.analysis import Beliefs, Calibration, beliefs_of, fit_calibration
from tests.fakes.analyses import analysis_of

SHARES = st.floats(0, 1)
WEIGHTS = st.floats(-5, 5)
DISC = np.hypot(*np.mgrid[-30:30, -30:30]) < 15


def random_beliefs(count: int) -> list[Beliefs]:
    shares = np.random.default_rng(0).uniform(0.2, 0.9, (count, 4))
    return [(a, b, c, d) for a, b, c, d in shares.tolist()]


def said(calibration: Calibration, beliefs: Beliefs) -> float:
    weights = (calibration.quality, calibration.errors, calibration.confidence, calibration.novelty)
    return calibration.offset + float(np.dot(weights, beliefs))


def test_the_winner_is_the_most_probable_class() -> None:
    numbers = np.random.default_rng(0).integers(0, 4, (7, 9))

    assert np.array_equal(analysis_of(numbers, n_classes=3).winner, numbers)


def test_a_segmentation_without_any_doubt_is_expected_to_be_perfect() -> None:
    beliefs = beliefs_of(analysis_of(DISC, sure=1.0, quality=0.7, novelty=0.2))

    assert beliefs == pytest.approx((0.7, 1, 1, 0.2))


def test_an_object_of_which_half_is_wrong_is_expected_to_be_as_bad() -> None:
    errors = (DISC & (np.arange(60) < 30)).astype(np.float32)
    _, by_errors, _, _ = beliefs_of(analysis_of(DISC, sure=1.0, errors=errors))
    kept = np.count_nonzero(DISC) - errors.sum()

    assert by_errors == pytest.approx(2 * kept / (2 * kept + errors.sum()), abs=0.01)


@pytest.mark.parametrize("winner", [np.zeros((9, 9), int), np.ones((9, 9), int)])
def test_beliefs_about_pictures_of_nothing_or_of_one_class_are_shares(winner: np.typing.ArrayLike) -> None:
    for error in (0.0, 0.5, 1.0):
        errors = np.full((9, 9), error, dtype=np.float32)
        for sure in (0.51, 1.0):
            assert all(0 <= value <= 1 for value in beliefs_of(analysis_of(winner, sure=sure, errors=errors)))


@given(WEIGHTS, WEIGHTS, WEIGHTS, WEIGHTS, WEIGHTS, SHARES)
def test_the_expected_dice_is_a_share_whatever_the_weights(
    offset: float, quality: float, errors: float, confidence: float, novelty: float, believed: float
) -> None:
    calibration = Calibration(offset, quality, errors, confidence, novelty)

    assert 0 <= calibration.expected_dice(analysis_of(DISC, quality=believed, novelty=0.3)) <= 1


def test_a_linear_relation_is_recovered() -> None:
    beliefs = random_beliefs(200)
    dices = [0.3 + 0.5 * a + 0.3 * c - 0.4 * d for a, _, c, d in beliefs]
    fitted = fit_calibration(beliefs, dices)
    errors = [said(fitted, b) - d for b, d in zip(beliefs, dices, strict=True)]
    weights = (fitted.quality, fitted.errors, fitted.confidence, fitted.novelty)

    assert np.std(errors) < 0.3 * np.std(dices)
    assert weights == pytest.approx((0.5, 0, 0.3, -0.4), abs=0.15)


def test_beliefs_that_point_the_wrong_way_are_not_listened_to() -> None:
    beliefs = random_beliefs(200)
    fitted = fit_calibration(beliefs, [0.9 - 0.6 * a + 0.6 * d for a, _, _, d in beliefs])

    assert (fitted.quality, fitted.novelty) == (0, 0)


def test_equal_dices_are_expected_again() -> None:
    beliefs = random_beliefs(50)
    expected = [said(fit_calibration(beliefs, [0.8] * 50), each) for each in beliefs]

    assert np.mean(expected) == pytest.approx(0.8)
    assert np.std(expected) < 0.3 * np.std([said(Calibration(), each) for each in beliefs])


def test_one_picture_only_shifts_the_default() -> None:
    fitted = fit_calibration([(0.9, 0.6, 0.6, 0.1)], [0.5])
    default = Calibration()

    assert said(fitted, (0.9, 0.6, 0.6, 0.1)) == pytest.approx(0.5)
    assert (fitted.quality, fitted.novelty) == pytest.approx((default.quality, default.novelty))


def test_without_pictures_the_calibration_is_the_default() -> None:
    assert fit_calibration([], []) == Calibration()


@given(
    st.lists(st.tuples(SHARES, SHARES, SHARES, SHARES, SHARES), min_size=1, max_size=12),
)
def test_every_fit_is_finite_weighs_nothing_negatively_and_meets_the_mean(
    pictures: list[tuple[float, float, float, float, float]],
) -> None:
    beliefs = [(a, b, c, d) for a, b, c, d, _ in pictures]
    dices = [dice for *_, dice in pictures]
    fitted = fit_calibration(beliefs, dices)

    assert np.isfinite(list(fitted.to_json().values())).all()
    assert min(fitted.quality, fitted.errors, fitted.confidence, -fitted.novelty) >= 0
    assert np.mean([said(fitted, each) for each in beliefs]) == pytest.approx(np.mean(dices), abs=1e-6)


def test_a_calibration_survives_json() -> None:
    calibration = Calibration(0.1, 0.2, 0.3, 0.4, -0.5)

    assert Calibration.from_json(calibration.to_json()) == calibration
    with pytest.raises(KeyError):
        Calibration.from_json({"offset": 0.1})
