"""A click model of a project before the gate: clicks that held-out objects need, beside its rivals."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from models.errors import MaskloopError, TooFewExamplesError
from models.interactive.clicknet import ClickNetModel
from models.regions import Region
from models.training.click_evaluation import Limits, Trace, click_until_found, new_object
from models.training.click_pictures import outlined
from models.training.clickers import CentreClicker
from models.training.examples import Example
from models.training.gate import GateDecision, decide

SHIPPED = "the shipped model"
ACTIVE = "the model in use"
FEWEST_JUDGED = 5
"""Held-out objects below which there is no decision."""
_CAP = 20
_LIMITS = Limits(_CAP, curve_clicks=0)
_THRESHOLDS = (0.85, 0.90)
"""IoUs to which clicks are counted for the decision."""
_LEAST_GAIN = 0.005
"""A tenth of a click of the cap: less is no reason to change a model that people are used to."""

Traces = dict[str, list[Trace]]
"""By the key of the example, one for each of its objects that was clicked."""


def judged_objects(held_out: Sequence[Example], most: int) -> list[tuple[Example, list[Region]]]:
    """Choose objects at random, as many as possible in different pictures; always the same ones.

    Args:
        held_out: Examples that nobody has learned from.
        most: Objects.

    Returns:
        Objects by picture, the pictures in the order of a hash of their keys.
    """
    pictures = []
    for example in sorted(held_out, key=lambda each: _hash(each.key)):
        regions = outlined(example)
        order = np.random.default_rng(_hash(example.key)).permutation(len(regions))
        pictures.append((example, [regions[index] for index in order]))
    turns = sorted(
        (turn, place) for place, (_, regions) in enumerate(pictures) for turn in range(len(regions))
    )
    counts = Counter(place for _, place in turns[:most])
    return [(example, regions[: counts[place]]) for place, (example, regions) in enumerate(pictures)]


def _hash(key: str) -> int:
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big")


def judge_clicks(
    candidate: Path,
    held_out: Sequence[Example],
    *,
    shipped: Path,
    active: Path | None,
    budget_s: float,
    most_objects: int,
    report: Callable[[float], None],
) -> tuple[GateDecision, dict[str, dict[str, float]]]:
    """Compare a candidate with the shipped model, and with the one in use, by the clicks that objects need.

    Each object is clicked with all models in turn. The score of a picture is the mean of 1 - clicks / 20 over
    its objects and over two thresholds of IoU, 0.85 and 0.90; objects that are never found count as 20.

    Args:
        candidate: Weights of a ClickNet.
        held_out: Examples that none of the models has learned from.
        shipped: Weights that projects without a model of their own use.
        active: Weights of the model in use; None if that is the shipped one.
        budget_s: When this is over, no further object is begun, as long as there are five.
        most_objects: Held-out objects that are clicked.
        report: Told the share that is done, in [0, 1]; what it raises passes through.

    Returns:
        The decision, and the mean clicks by model and threshold.

    Raises:
        TooFewExamplesError: Fewer than five held-out objects can be clicked.
        WeightsError: Weights cannot be used.
    """
    models = {"": ClickNetModel(weights=candidate), SHIPPED: ClickNetModel(weights=shipped)}
    if active is not None:
        models[ACTIVE] = ClickNetModel(weights=active)
    for model in models.values():
        model.load()
    traces = _click_all(models, judged_objects(held_out, most_objects), budget_s, report)
    n_objects = sum(len(each) for each in traces[""].values())
    if n_objects < FEWEST_JUDGED:
        raise TooFewExamplesError(
            f"A click model is judged by objects that it has not learned from, at least {FEWEST_JUDGED}; "
            f"there are {n_objects}. Annotate more pictures."
        )
    keys = list(traces[""])
    scores = {name: [_score(found[key]) for key in keys] for name, found in traces.items()}
    candidate_scores = scores.pop("")
    decision = decide(keys, candidate_scores, scores, f"{n_objects} held-out objects, {_CAP} clicks at most")
    clicks = _mean_clicks(traces)
    decision = replace(decision, figures={**decision.figures, "objects": n_objects, "noc": clicks})
    gain = float(np.mean(candidate_scores) - np.mean(scores[SHIPPED]))
    return _unless_useless(decision, gain), clicks


def _click_all(
    models: Mapping[str, ClickNetModel],
    chosen: Sequence[tuple[Example, list[Region]]],
    budget_s: float,
    report: Callable[[float], None],
) -> dict[str, Traces]:
    started = time.monotonic()
    traces: dict[str, Traces] = {name: {} for name in models}
    total, clicked = sum(len(regions) for _, regions in chosen), 0
    for example, regions in chosen:
        try:
            image = example.load_image()
        except MaskloopError:  # was there when the examples were collected; the others still count
            continue
        embeddings = {name: model.encode(image) for name, model in models.items()}
        for region in regions:
            if clicked >= FEWEST_JUDGED and time.monotonic() - started > budget_s:
                return traces
            report(clicked / total)
            clicked += 1
            truth = region.full_mask((image.shape[0], image.shape[1]))
            if not truth.any():  # the picture is another one than when it was annotated
                continue
            for name, model in models.items():
                answer = new_object(model, embeddings[name])
                trace = click_until_found(answer, truth, None, CentreClicker(), _LIMITS)
                traces[name].setdefault(example.key, []).append(trace)
    return traces


def _score(traces: Sequence[Trace]) -> float:
    clicks = [trace.clicks_to(threshold) or _CAP for trace in traces for threshold in _THRESHOLDS]
    return 1 - float(np.mean(clicks)) / _CAP


def _mean_clicks(traces: Mapping[str, Traces]) -> dict[str, dict[str, float]]:
    """NoC by model and threshold in percent."""
    means = {}
    for name, found in traces.items():
        flat = [trace for each in found.values() for trace in each]
        means[name or "the candidate"] = {
            f"{100 * threshold:.0f}": round(float(np.mean([t.clicks_to(threshold) or _CAP for t in flat])), 2)
            for threshold in _THRESHOLDS
        }
    return means


def _unless_useless(decision: GateDecision, gain: float) -> GateDecision:
    """Refuse what is not better than the shipped model either."""
    if not decision.passed or gain >= _LEAST_GAIN:
        return decision
    reason = decision.reason.replace("Passed", f"Refused, no better than {SHIPPED}", 1)
    return replace(decision, passed=False, reason=reason)
