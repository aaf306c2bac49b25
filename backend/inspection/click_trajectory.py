"""Objects whose clicks look like those of a poor mask."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from backend.inspection.base import DrawnObject, InspectionRule, Issue, Json, PromptStep, Subject
from backend.inspection.click_features import NAMES, click_features

WEIGHTS = Path(__file__).with_name("click_trajectory.json")
POOR = 0.8
"""Masks of a smaller IoU with the truth are poor."""
_SAME_OBJECT = 0.5
"""Answers and objects belong together whose areas differ by less than this share."""
_ENOUGH_REVIEWED = 30
_PULL = 10.0
"""How strongly the project's own weights are drawn to the shipped ones, in reviewed objects."""


class ClickTrajectory(InspectionRule):
    """Foresees from clicks that a mask is poor.

    A logistic regression on `click_features`, learned from simulated annotators by
    `scripts.train_click_trajectory`. Where other people drew the same pictures, their agreement says which
    masks are poor, and the weights are refined by it.
    """

    name = "click-trajectory"
    higher_is_worse_because = "masks made with such clicks are poor more often"

    def measure(self, subject: Subject) -> Json:
        """Features of the prompted objects, and their overlap with what others drew; see the base class."""
        objects = []
        for steps in subject.work.prompts:
            drawn = _made_by(steps, subject.objects)
            if drawn is not None:
                features = [round(float(value), 4) for value in click_features(steps, drawn.region)]
                others = [_best_iou(drawn, other) for other in subject.others]
                agreed = round(float(np.median(others)), 4) if others else None
                objects.append([drawn.id, list(drawn.region.box), len(steps), features, agreed])
        return {"objects": objects} if objects else {}

    def learn(self, measured: Mapping[str, Json]) -> Json:
        """Weights, refined by reviewed objects if there are enough; see the base class."""
        reviewed = [each for found in measured.values() for each in found["objects"] if each[4] is not None]
        shipped = shipped_weights()
        if len(reviewed) < _ENOUGH_REVIEWED:
            return {"weights": shipped.tolist()}
        features = np.array([each[3] for each in reviewed])
        poor = np.array([each[4] < POOR for each in reviewed])
        return {"weights": fit_weights(features, poor, near=shipped, pull=_PULL).tolist()}

    def judge(self, key: str, measured: Json, usual: Json) -> list[Issue]:
        """One issue for each prompted object; see the base class."""
        issues = []
        for region_id, box, n_steps, features, _ in measured["objects"]:
            chance = float(chance_of_poor(np.array([features]), np.array(usual["weights"]))[0])
            message = f"Made with {n_steps} prompts in a way that gives poor masks in {chance:.0%} of cases."
            issues.append(Issue(self.name, chance, message, (region_id,), tuple(box)))
        return issues


def chance_of_poor(features: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Chance that masks are poor.

    Args:
        features: (N, F), see `click_features`.
        weights: (F + 1,), the last is the constant.

    Returns:
        (N,) in [0, 1].
    """
    return np.asarray(1 / (1 + np.exp(-(features @ weights[:-1] + weights[-1]))))


def fit_weights(
    features: NDArray[np.float64], poor: NDArray[np.bool_], near: NDArray[np.float64], pull: float
) -> NDArray[np.float64]:
    """Weights of a logistic regression.

    Args:
        features: (N, F).
        poor: (N,).
        near: (F + 1,) weights that are right if nothing speaks against them.
        pull: How strongly these are kept to, at least 0.
    """
    signs = np.where(poor, 1.0, -1.0)

    def loss(weights: NDArray[np.float64]) -> float:
        margins = signs * (features @ weights[:-1] + weights[-1])
        return float(np.logaddexp(0, -margins).sum() + pull / 2 * ((weights - near) ** 2).sum())

    return np.asarray(minimize(loss, near, method="L-BFGS-B").x)


@lru_cache(maxsize=1)
def shipped_weights() -> NDArray[np.float64]:
    """The weights learned from simulated annotators, (F + 1,)."""
    content: dict[str, Any] = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    return np.array([*(content["weights"][name] for name in NAMES), content["constant"]])


def _made_by(steps: Sequence[PromptStep], objects: Sequence[DrawnObject]) -> DrawnObject | None:
    """The object that was accepted from the last answer: where the clicks are, and about as large."""
    last = steps[-1]
    near = [
        each
        for each in objects
        if abs(each.region.area - last.area) <= _SAME_OBJECT * max(each.region.area, last.area)
        and _is_hit(each, last)
    ]
    return min(near, key=lambda each: abs(each.region.area - last.area), default=None)


def _is_hit(drawn: DrawnObject, step: PromptStep) -> bool:
    top, left, bottom, right = drawn.region.box
    if step.prompts.box is not None:
        rows, columns = step.prompts.box.slices
        return bool(rows.start < bottom and rows.stop > top and columns.start < right and columns.stop > left)
    positive = [click.pixel for click in step.prompts.clicks if click.positive]
    return any(top <= row < bottom and left <= column < right for row, column in positive)


def _best_iou(drawn: DrawnObject, others: Sequence[DrawnObject]) -> float:
    return max((drawn.region.iou(other.region) for other in others), default=0.0)
