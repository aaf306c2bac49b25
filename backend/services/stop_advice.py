"""Whether more annotations are worth it: four criteria, each a function of a few figures, and their majority.

Each criterion says stop, continue, or unknown with what is missing. No single one is trusted: scores on few
pictures are noisy, predictions also become stable where a network has given up, and a network may be sure of
its mistakes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from backend.services.learning_curve import FEWEST_POINTS, LearningCurve

Verdict = Literal["stop", "continue", "unknown"]

_FEWEST_KNOWN = 2


@dataclass(frozen=True)
class Thresholds:
    """Where a project stops; all in scores of [0, 1] unless said otherwise.

    Attributes:
        rounds: Latest versions that count for gains and changes.
        gain: A version that gains less than this over the one before has gained nothing; as in the gate.
        change: Mean 1 - Dice between versions that counts as the same predictions.
        expected_error: Mean 1 - expected Dice of the remaining tasks that is good enough.
        gain_per_hour: What an hour of annotation should bring at least.
    """

    rounds: int = 3
    gain: float = 0.01
    change: float = 0.05
    expected_error: float = 0.10
    gain_per_hour: float = 0.005


@dataclass(frozen=True)
class Criterion:
    """What one criterion says.

    Attributes:
        name: Of the criterion.
        verdict: Its advice.
        sentence: Why, for people, with figures and threshold.
        figures: The same as numbers.
    """

    name: str
    verdict: Verdict
    sentence: str
    figures: Mapping[str, float]


@dataclass(frozen=True)
class Gain:
    """What a version gained over the one in use before it, on the same pictures that neither has learned.

    Attributes:
        mean: Difference of the mean scores.
        low: Lower end of its 95 % confidence interval.
        high: Upper end.
    """

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Advice:
    """What the criteria say together.

    Attributes:
        verdict: "unknown" if too little is known.
        sentence: For people.
        criteria: All of them.
    """

    verdict: Verdict
    sentence: str
    criteria: tuple[Criterion, ...]


def plateau(gains: Sequence[Gain], thresholds: Thresholds) -> Criterion:
    """Stop when the last versions together gained next to nothing.

    Args:
        gains: Of the versions, the oldest first.
        thresholds: `rounds` and `gain`.

    Source: Settles, "Active learning literature survey", TR 1648, University of Wisconsin, 2009, section 6.7.
    Differs: compared on the same pictures, as the gate did, not between scores of different ones.
    """
    name, latest = "plateau of the score", gains[-thresholds.rounds :]
    if len(latest) < thresholds.rounds:
        missing = (
            f"{len(latest)} versions were compared with the one before them, {thresholds.rounds} are needed."
        )
        return Criterion(name, "unknown", missing, {})
    mean = float(np.mean([gain.mean for gain in latest]))
    stop = mean < thresholds.gain
    sentence = (
        f"The last {len(latest)} versions gained {mean:+.3f} each on average (the latest "
        f"{latest[-1].mean:+.3f}, 95 % interval {latest[-1].low:+.3f} to {latest[-1].high:+.3f}); "
        f"the limit is {thresholds.gain:.3f}."
    )
    figures = {"mean_gain": mean, "latest_low": latest[-1].low, "latest_high": latest[-1].high}
    return Criterion(name, _verdict(stop), sentence, figures | {"threshold": thresholds.gain})


def stable_predictions(changes: Sequence[float], n_tasks: int, thresholds: Thresholds) -> Criterion:
    """Stop when consecutive versions say the same about tasks that nobody has annotated.

    Args:
        changes: Mean 1 - Dice between consecutive versions, the oldest first.
        n_tasks: How many tasks they were measured on.
        thresholds: `rounds` and `change`.

    Source: Bloodgood and Vijay-Shanker, "A method for stopping active learning based on stabilizing
    predictions and the need for user-adjustable stopping", CoNLL 2009: agreement on a fixed set of unlabelled
    examples, averaged over the last three models. Differs: Dice coefficient instead of Kappa.
    """
    name, latest = "stable predictions", changes[-thresholds.rounds :]
    if len(latest) < thresholds.rounds or not n_tasks:
        missing = (
            "There are no unannotated tasks to compare versions on."
            if not n_tasks
            else f"{len(latest)} pairs of versions can be compared, {thresholds.rounds} are needed."
        )
        return Criterion(name, "unknown", missing, {})
    mean = float(np.mean(latest))
    stop = mean <= thresholds.change
    sentence = (
        f"Between the last {len(latest) + 1} versions, predictions for {n_tasks} unannotated tasks changed "
        f"by {mean:.3f} each time (1 - Dice, the latest {latest[-1]:.3f}); "
        f"the limit is {thresholds.change:.3f}."
    )
    figures = {"mean_change": mean, "latest_change": latest[-1], "tasks": float(n_tasks)}
    return Criterion(name, _verdict(stop), sentence, figures | {"threshold": thresholds.change})


def little_doubt(qualities: Sequence[float], n_remaining: int, thresholds: Thresholds) -> Criterion:
    """Stop when the version expects to be right about the tasks that remain.

    Args:
        qualities: Expected Dice coefficients of remaining tasks, as far as they are known.
        n_remaining: How many tasks remain.
        thresholds: `expected_error`.

    Source: Zhu, Wang and Hovy, "Multi-criteria-based strategy to stop active learning for data annotation",
    COLING 2008: "overall uncertainty". Differs: 1 - expected Dice coefficient instead of entropy.
    """
    name = "doubt about the rest"
    if not n_remaining:
        return Criterion(name, "stop", "No task remains.", {"remaining": 0.0})
    if len(qualities) < n_remaining / 2:
        missing = (
            f"The version in use has looked at {len(qualities)} of {n_remaining} remaining tasks; "
            "scripts.select_tasks lets it look at all."
        )
        return Criterion(name, "unknown", missing, {})
    errors = 1 - np.asarray(qualities, dtype=np.float64)
    mean, largest = float(errors.mean()), float(errors.max())
    stop = mean <= thresholds.expected_error
    sentence = (
        f"The version in use expects an error of {mean:.3f} on average (1 - Dice) in {len(qualities)} "
        f"remaining tasks, {largest:.3f} in the worst; the limit is {thresholds.expected_error:.3f}."
    )
    figures = {"mean_error": mean, "largest_error": largest, "tasks": float(len(qualities))}
    return Criterion(name, _verdict(stop), sentence, figures | {"threshold": thresholds.expected_error})


def worthwhile(
    curve: LearningCurve | None,
    n_labels: int,
    n_remaining: int,
    minutes: float | None,
    thresholds: Thresholds,
) -> Criterion:
    """Stop when an hour of annotation brings next to nothing.

    Args:
        curve: Fitted to the versions so far; None if it cannot be.
        n_labels: Annotated pictures today.
        n_remaining: Pictures that remain.
        minutes: Median time of one annotation; None if it is not known.
        thresholds: `gain_per_hour`.

    Source: the gradient of the learning curve, as in Laws and Schütze, "Stopping criteria for active learning
    of named entity recognition", COLING 2008, but per hour of people, and read off a fitted power law.
    """
    name = "gain per hour"
    if curve is None or not n_labels:
        missing = (
            f"A learning curve needs versions of {FEWEST_POINTS} different numbers of annotated pictures."
        )
        return Criterion(name, "unknown", missing, {})
    if not minutes:
        return Criterion(name, "unknown", "No annotation tells how long it took.", {})
    next_hour = min(60 / minutes, n_remaining)
    gain = curve.score(n_labels + next_hour) - curve.score(n_labels)
    everything = curve.score(n_labels + n_remaining) - curve.score(n_labels)
    hours = n_remaining * minutes / 60
    stop = gain < thresholds.gain_per_hour
    sentence = (
        f"The next hour ({next_hour:.0f} pictures at {minutes:.2f} min) should bring {gain:+.4f}, all the "
        f"rest {everything:+.3f} in {hours:.1f} h; the limit is {thresholds.gain_per_hour:.4f} an hour."
    )
    figures = {"next_hour": gain, "all_the_rest": everything, "hours": hours, "ceiling": curve.ceiling}
    return Criterion(name, _verdict(stop), sentence, figures | {"threshold": thresholds.gain_per_hour})


def advise(criteria: Sequence[Criterion]) -> Advice:
    """The majority of the criteria that are known, at least two; a tie means to go on."""
    known = [criterion for criterion in criteria if criterion.verdict != "unknown"]
    stops = sum(criterion.verdict == "stop" for criterion in known)
    if len(known) < _FEWEST_KNOWN:
        missing = ", ".join(criterion.name for criterion in criteria if criterion.verdict == "unknown")
        return Advice("unknown", f"Too little is known to say; missing: {missing}.", tuple(criteria))
    verdict: Verdict = "stop" if 2 * stops > len(known) else "continue"
    return Advice(verdict, f"{stops} of {len(known)} criteria say stop.", tuple(criteria))


def _verdict(stop: bool) -> Verdict:
    return "stop" if stop else "continue"
