"""A trained pre-labeller before the gate: scored beside the model in use and beside no training at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from models.arrays import Image
from models.errors import MaskloopError
from models.label_schema import LabelSchema
from models.prelabel.analysis import Analysis
from models.prelabel.base import ImageClass, PreLabeller, PreLabels
from models.prelabel.network_description import NetworkDescription
from models.prelabel.unet import UNet, prelabels_of
from models.training.examples import Example
from models.training.gate import GateDecision, decide
from models.training.prelabel_scores import overall, prelabel_scores
from models.training.prelabel_stages import OutOfFold
from models.training.propagation_gate import judge_propagation

_MOST_COMPARED = 100
_FEWEST_UNSEEN = 2
_FEWEST_FOR_CORRELATION = 5
_IN_USE = "the model in use"

Scored = dict[str, dict[str, float]]
"""By the key of the example, the figures of one model."""

Answer = Callable[[Image], PreLabels]
"""What a model says about a picture."""


@dataclass(frozen=True)
class ActiveModel:
    """The model in use.

    Attributes:
        model: Loaded.
        trained_on: Keys of the examples that it has learned from.
        shortfall: Of the gate's decision on it, see `decide`.
    """

    model: PreLabeller
    trained_on: frozenset[str]
    shortfall: float = 0.0


@dataclass(frozen=True, eq=False)
class Candidate:
    """A model that may replace it.

    Attributes:
        model: The model.
        description: What it is made for.
        learned: Examples that it has learned from.
        held_out: Examples that it has not; empty when there are too few.
        out_of_fold: What networks like it say about examples that those have not learned from.
    """

    model: UNet
    description: NetworkDescription
    learned: Sequence[Example]
    held_out: Sequence[Example]
    out_of_fold: Sequence[OutOfFold]


def judge(
    candidate: Candidate, active: ActiveModel | None, baseline: PreLabeller
) -> tuple[GateDecision, dict[str, Any]]:
    """Compare a candidate with the model in use and with the untrained baseline.

    Held-out examples decide. Where fewer than two are new to the model in use, networks of the candidate's
    folds answer for it on examples that they have not learned from, which costs it a little. Examples that
    the model in use has learned from are left out where enough others remain.

    Args:
        candidate: The newly trained model.
        active: The model in use, None if there is none yet.
        baseline: The pre-labeller that would be used without any training.

    Returns:
        The decision; and the candidate's mean figures, with what `judge_propagation` found.
    """
    schema = candidate.description.schema
    seen = active.trained_on if active is not None else frozenset()
    how, asked = _asked(candidate, seen)
    if not asked:
        reason = "Refused: a single picture, and none to compare on. Annotate another one."
        return GateDecision(False, reason, {"how": "nothing", "examples": 0}, ()), {}
    examples = [example for example, _ in asked]
    ours, expected = _score(asked, schema)
    untrained = _Untrained(baseline, schema, candidate.learned)
    rivals = {"no training": _score([(each, untrained.predict) for each in examples], schema)[0]}
    shortfalls = {}
    if active is not None:
        rivals[_IN_USE], _ = _score([(each, active.model.predict) for each in examples], schema)
        shortfalls[_IN_USE] = active.shortfall
    shared = set(ours).intersection(*rivals.values())
    readable = [each.key for each in examples if each.key in shared]
    if not readable:
        reason = "Refused: none of the pictures to compare on can be read."
        return GateDecision(False, reason, {"how": how, "examples": 0}, ()), {}
    unseen = [key for key in readable if key not in seen]
    compared = unseen if len(unseen) >= _FEWEST_UNSEEN else readable
    lists = {name: [overall(scores[key]) for key in compared] for name, scores in rivals.items()}
    decision = decide(compared, [overall(ours[key]) for key in compared], lists, how, shortfalls)
    annotated = [*candidate.held_out, *candidate.learned]
    return decision, _summary(ours, expected) | judge_propagation(examples, annotated, ours, schema)


def _asked(candidate: Candidate, seen: frozenset[str]) -> tuple[str, list[tuple[Example, Answer]]]:
    """What to compare on, what to call it, and the candidate's answers."""
    held_out = list(candidate.held_out)[:_MOST_COMPARED]
    answers: list[tuple[Example, Answer]] = [(each, candidate.model.predict) for each in held_out]
    if sum(each.key not in seen for each in held_out) >= _FEWEST_UNSEEN:
        candidate.model.load()
        return "held-out pictures", answers
    by_key = {each.key: each.analysis for each in candidate.out_of_fold if each.analysis is not None}
    crossed: list[tuple[Example, Answer]] = [
        (each, partial(_of_fold, by_key[each.key], candidate.description))
        for each in candidate.learned
        if each.key in by_key
    ]
    unseen = [(each, answer) for each, answer in crossed if each.key not in seen]
    if len(unseen) >= _FEWEST_UNSEEN or not held_out:
        return "cross-validation", unseen if len(unseen) >= _FEWEST_UNSEEN else crossed
    candidate.model.load()
    return "held-out pictures", answers


def _of_fold(analysis: Analysis, description: NetworkDescription, image: Image) -> PreLabels:
    return prelabels_of(analysis, description, (image.shape[0], image.shape[1]))


def _score(asked: Sequence[tuple[Example, Answer]], schema: LabelSchema) -> tuple[Scored, dict[str, float]]:
    """Figures and expected quality of each example whose picture can be read."""
    scores: Scored = {}
    expected = {}
    for example, answer in asked:
        try:
            image = example.load_image()
        except MaskloopError:  # was there when the examples were collected; the others still count
            continue
        found = answer(image)
        scores[example.key] = prelabel_scores(found, example, schema, (image.shape[0], image.shape[1]))
        expected[example.key] = found.score
    return scores, expected


def _summary(scores: Scored, expected: dict[str, float]) -> dict[str, Any]:
    names = sorted({name for each in scores.values() for name in each})
    means = {
        name: round(float(np.mean([s[name] for s in scores.values() if name in s])), 4) for name in names
    }
    pairs = [(expected[key], each["dice"]) for key, each in scores.items() if "dice" in each]
    if len(pairs) >= _FEWEST_FOR_CORRELATION and np.ptp(np.array(pairs), axis=0).min() > 0:
        means["quality_pearson"] = round(float(np.corrcoef(np.array(pairs).T)[0, 1]), 4)
    return means


class _Untrained:
    """The baseline in the project's own words: everything it finds is of the commonest class."""

    def __init__(self, baseline: PreLabeller, schema: LabelSchema, learned: Sequence[Example]) -> None:
        self._baseline = baseline
        self._schema = schema
        names = Counter(region.class_name for example in learned for region in example.regions or ())
        self._class_name = next((name for name, _ in names.most_common() if name in schema.classes), "")
        self._statements = tuple(
            ImageClass(answer, 1.0, question.name)
            for question in schema.questions
            for answer in _commonest(question.name, learned)
        )
        baseline.load()

    def predict(self, image: Image) -> PreLabels:
        if not self._schema.classes:
            return PreLabels((), self._statements, 0.0)
        found = self._baseline.predict(image)
        regions = tuple(replace(region, class_name=self._class_name) for region in found.regions)
        return PreLabels(regions, self._statements, found.score)


def _commonest(question: str, learned: Sequence[Example]) -> tuple[str, ...]:
    chosen = Counter(example.answers[question] for example in learned if question in example.answers)
    return chosen.most_common(1)[0][0] if chosen else ()
