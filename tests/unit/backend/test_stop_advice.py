import pytest

from backend.services.learning_curve import LearningCurve
from backend.services.stop_advice import (
    Criterion,
    Gain,
    Thresholds,
    Verdict,
    advise,
    little_doubt,
    plateau,
    stable_predictions,
    worthwhile,
)

LIMITS = Thresholds()
CURVE = LearningCurve(0.9, 1.0, 0.5)


def gains(*means: float) -> list[Gain]:
    return [Gain(mean, mean - 0.02, mean + 0.02) for mean in means]


@pytest.mark.parametrize(
    ("means", "verdict"),
    [
        ((0.2, 0.1, 0.08), "continue"),
        ((0.3, 0.01, 0.005, -0.002), "stop"),
        ((0.0, 0.0, 0.05), "continue"),
        ((0.0, 0.0), "unknown"),
        ((), "unknown"),
    ],
)
def test_a_plateau_is_three_versions_that_gained_nothing(means: tuple[float, ...], verdict: Verdict) -> None:
    assert plateau(gains(*means), LIMITS).verdict == verdict


@pytest.mark.parametrize(
    ("changes", "n_tasks", "verdict"),
    [
        ((0.3, 0.2, 0.1), 20, "continue"),
        ((0.5, 0.04, 0.03, 0.05), 20, "stop"),
        ((0.04, 0.03), 20, "unknown"),
        ((), 0, "unknown"),
    ],
)
def test_predictions_that_stay_the_same_say_stop(
    changes: tuple[float, ...], n_tasks: int, verdict: Verdict
) -> None:
    assert stable_predictions(changes, n_tasks, LIMITS).verdict == verdict


@pytest.mark.parametrize(
    ("qualities", "n_remaining", "verdict"),
    [
        ((0.95, 0.97, 0.91), 3, "stop"),
        ((0.95, 0.5, 0.9), 3, "continue"),
        ((0.95,), 3, "unknown"),
        ((), 0, "stop"),
    ],
)
def test_a_version_that_expects_to_be_right_says_stop(
    qualities: tuple[float, ...], n_remaining: int, verdict: Verdict
) -> None:
    assert little_doubt(qualities, n_remaining, LIMITS).verdict == verdict


def test_the_figures_of_doubt_are_those_of_the_errors() -> None:
    figures = little_doubt([0.9, 0.6], 2, LIMITS).figures
    assert figures["mean_error"] == pytest.approx(0.25)
    assert figures["largest_error"] == pytest.approx(0.4)


def test_an_hour_is_worth_it_early_and_not_late() -> None:
    early = worthwhile(CURVE, 10, 1000, 2.0, LIMITS)
    late = worthwhile(CURVE, 2000, 1000, 2.0, LIMITS)
    assert (early.verdict, late.verdict) == ("continue", "stop")
    assert early.figures["next_hour"] == pytest.approx(10**-0.5 - 40**-0.5)
    assert early.figures["all_the_rest"] == pytest.approx(10**-0.5 - 1010**-0.5)
    assert early.figures["hours"] == pytest.approx(1000 * 2 / 60)


def test_slow_annotations_make_an_hour_worth_less() -> None:
    quick, slow = (worthwhile(CURVE, 100, 1000, minutes, LIMITS) for minutes in (0.5, 30.0))
    assert quick.figures["next_hour"] > slow.figures["next_hour"]
    assert (quick.verdict, slow.verdict) == ("continue", "stop")


def test_an_hour_is_not_longer_than_what_remains() -> None:
    assert worthwhile(CURVE, 100, 0, 1.0, LIMITS).figures["next_hour"] == 0


def test_without_a_curve_or_times_nothing_is_said_about_hours() -> None:
    assert worthwhile(None, 10, 10, 1.0, LIMITS).verdict == "unknown"
    assert worthwhile(CURVE, 10, 10, None, LIMITS).verdict == "unknown"


@pytest.mark.parametrize(
    ("verdicts", "together"),
    [
        (("stop", "stop", "stop", "continue"), "stop"),
        (("stop", "stop", "unknown", "unknown"), "stop"),
        (("stop", "continue", "unknown", "unknown"), "continue"),
        (("stop", "stop", "continue", "continue"), "continue"),
        (("stop", "unknown", "unknown", "unknown"), "unknown"),
    ],
)
def test_the_majority_of_what_is_known_decides_and_a_tie_goes_on(
    verdicts: tuple[Verdict, ...], together: Verdict
) -> None:
    criteria = [Criterion(f"c{number}", verdict, "", {}) for number, verdict in enumerate(verdicts)]
    assert advise(criteria).verdict == together


def test_what_is_missing_is_named() -> None:
    advice = advise([plateau([], LIMITS), worthwhile(None, 0, 5, None, LIMITS)])
    assert "plateau of the score, gain per hour" in advice.sentence
    assert "3 are needed" in advice.criteria[0].sentence
