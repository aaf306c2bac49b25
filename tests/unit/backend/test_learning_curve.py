import numpy as np
import pytest

from backend.services.learning_curve import CurvePoint, LearningCurve, fitted_curve


def points(curve: LearningCurve, counts: tuple[int, ...], noise: float = 0.0) -> list[CurvePoint]:
    rng = np.random.default_rng(0)
    return [CurvePoint(n, curve.score(n) + noise * rng.standard_normal(), 20) for n in counts]


def test_a_power_law_is_found_again() -> None:
    true = LearningCurve(0.9, 1.2, 0.6)
    found = fitted_curve(points(true, (8, 16, 24, 32, 64)))
    assert found is not None
    assert found.ceiling == pytest.approx(0.9, abs=1e-3)
    assert found.score(200) == pytest.approx(true.score(200), abs=1e-3)


def test_the_labels_that_reach_most_of_the_ceiling_are_those_of_the_curve() -> None:
    curve = LearningCurve(0.9, 1.2, 0.6)
    assert curve.score(curve.labels_to(0.95)) == pytest.approx(0.95 * 0.9)
    assert LearningCurve(0.9, 0.001, 0.6).labels_to(0.95) == 1
    assert LearningCurve(0.0, 1.0, 0.6).labels_to(0.95) == float("inf")


def test_noise_moves_the_curve_a_little() -> None:
    true = LearningCurve(0.85, 1.0, 0.5)
    found = fitted_curve(points(true, (8, 12, 16, 24, 32, 48, 64, 96), noise=0.01))
    assert found is not None
    assert found.score(120) == pytest.approx(true.score(120), abs=0.03)


def test_scores_of_many_pictures_count_more() -> None:
    good = points(LearningCurve(0.9, 1.0, 0.5), (8, 16, 32, 64))
    odd = CurvePoint(64, 0.2, 1)
    found = fitted_curve([*good, odd])
    assert found is not None
    assert found.score(64) > 0.65


@pytest.mark.parametrize("counts", [(), (8, 16, 32), (8, 8, 8, 8, 8)])
def test_too_few_numbers_of_labels_give_no_curve(counts: tuple[int, ...]) -> None:
    assert fitted_curve(points(LearningCurve(0.9, 1.0, 0.5), counts)) is None


def test_versions_that_were_compared_on_nothing_do_not_count() -> None:
    assert fitted_curve([CurvePoint(n, 0.5, 0) for n in (8, 16, 24, 32)]) is None
