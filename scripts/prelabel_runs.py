"""Runs of scripts.evaluate_prelabels: learn from some pictures, be asked about others."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from models.arrays import Image
from models.label_schema import LabelSchema
from models.prelabel import PRELABELLERS
from models.prelabel.base import PreLabeller
from models.prelabel.unet import UNet
from models.prelabel.watershed import Watershed
from models.training.examples import Example
from models.training.prelabel_fit import fit_prelabeller, fit_seconds
from models.training.prelabel_samples import UNKNOWN, prepared
from models.training.prelabel_scores import prelabel_scores
from scripts.picture_sets import PictureSet, choose
from scripts.worker_processes import in_processes

TRAINED = {"unet": True, "unet-scratch": False}
"""Pre-labellers that learn, and whether their encoder is pretrained."""
_MOST_PIXELS = 2_000_000
"""Of error maps that are ranked together; more are thinned out."""


@dataclass(frozen=True)
class Run:
    """What to measure.

    Attributes:
        labeller: "otsu", "watershed", "unet", "unet-scratch".
        n_labels: Annotated pictures that it may learn from; 0 for those that do not learn.
        seed: Of the choice of these pictures and of the training.
    """

    labeller: str
    n_labels: int
    seed: int


@dataclass(frozen=True)
class Protocol:
    """What all runs share.

    Attributes:
        pictures: Where they are.
        pool: Names of the pictures that may be learned from.
        test: Names of the pictures that are asked about.
        schema: The classes.
        base_s: Time of a fit with up to 50 pictures.
        cap_s: Most time of a fit.
    """

    pictures: PictureSet
    pool: tuple[str, ...]
    test: tuple[str, ...]
    schema: LabelSchema
    base_s: float
    cap_s: float


def run_all(protocol: Protocol, runs: Sequence[Run], workers: int) -> Generator[dict[str, Any], None, None]:
    """Measure, several at a time.

    Yields:
        A row for each run, in the order in which they end.
    """
    yield from in_processes(partial(_measure, protocol), runs, workers)


def ranked_precision(belief: NDArray[np.floating[Any]], wrong: NDArray[np.bool_]) -> float:
    """Average precision of a belief that says which places are wrong, in [0, 1].

    Args:
        belief: (N,), higher where an error is more probable.
        wrong: (N,).
    """
    ranked = wrong[np.argsort(-belief, kind="stable")]
    if not ranked.any():
        return 1.0
    precision = np.cumsum(ranked) / np.arange(1, len(ranked) + 1)
    return float(precision[ranked].mean())


def _measure(protocol: Protocol, run: Run) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="maskloop-evaluation-") as scratch:
        started = time.monotonic()
        model = _made(protocol, run, Path(scratch))
        fit_s = time.monotonic() - started
        return asdict(run) | {"fit_s": round(fit_s, 1)} | _asked(model, protocol)


def _made(protocol: Protocol, run: Run, scratch: Path) -> PreLabeller:
    if run.labeller not in TRAINED:
        model = PRELABELLERS.create(run.labeller)
        model.load()
        return model
    pictures = protocol.pictures
    examples = [pictures.example(stem) for stem in choose(protocol.pool, run.n_labels, run.seed)]
    outcome = fit_prelabeller(
        examples,
        protocol.schema,
        scratch,
        warm_start=None,
        active=None,
        baseline=Watershed(),
        budget_s=fit_seconds(len(examples), protocol.base_s, protocol.cap_s),
        seed=run.seed,
        report=lambda _: None,
        pretrained=TRAINED[run.labeller],
    )
    trained = UNet(outcome.folder)
    trained.load()
    return trained


def _asked(model: PreLabeller, protocol: Protocol) -> dict[str, Any]:
    rows, beliefs, maps, seconds = [], [], [], []
    for stem in protocol.test:
        example = protocol.pictures.example(stem)
        image = example.load_image()
        started = time.perf_counter()
        found = model.predict(image)
        seconds.append(time.perf_counter() - started)
        if not isinstance(model, UNet):
            commonest = protocol.schema.classes[0]
            found = replace(found, regions=tuple(replace(r, class_name=commonest) for r in found.regions))
        rows.append(prelabel_scores(found, example, protocol.schema, (image.shape[0], image.shape[1])))
        if isinstance(model, UNet):
            belief, places = _judged(model, example, image, protocol.schema)
            beliefs.append({"expected": found.score, **belief})
            maps.append(places)
    figures = {
        name: round(float(np.mean([row[name] for row in rows])), 4) for name in ("dice", "iou", "ap50")
    }
    figures["predict_ms"] = round(float(np.median(seconds)) * 1000, 1)
    return figures | (_quality([row["dice"] for row in rows], beliefs, maps) if beliefs else {})


def _judged(
    model: UNet, example: Example, image: Image, schema: LabelSchema
) -> tuple[dict[str, float], dict[str, NDArray[Any]]]:
    """What a network and the baselines believe about a picture as a whole, and about each place."""
    analysis = model.analyse(image)
    unsure = 1 - analysis.probabilities.max(0)
    entropy = -(analysis.probabilities * np.log(analysis.probabilities + 1e-9)).sum(0)
    classes = prepared(example, image, schema, max(analysis.errors.shape)).classes
    known = classes != UNKNOWN
    places = {"error_map": analysis.errors, "entropy": entropy, "max_softmax": unsure}
    wrong = (analysis.winner != classes)[known]
    means = {"entropy": -float(entropy.mean()), "max_softmax": -float(unsure.mean())}
    return means, {"wrong": wrong, **{name: values[known] for name, values in places.items()}}


def _quality(
    dices: Sequence[float], beliefs: Sequence[Mapping[str, float]], maps: Sequence[Mapping[str, NDArray[Any]]]
) -> dict[str, float]:
    figures = {}
    for name in beliefs[0]:
        values = [belief[name] for belief in beliefs]
        figures[f"pearson_{name}"] = float(stats.pearsonr(values, dices).statistic)
        figures[f"spearman_{name}"] = float(stats.spearmanr(values, dices).statistic)
    expected = [belief["expected"] for belief in beliefs]
    figures["expected_mae"] = float(np.mean(np.abs(np.subtract(expected, dices))))
    step = max(1, sum(each["wrong"].size for each in maps) // _MOST_PIXELS)
    wrong = np.concatenate([each["wrong"][::step] for each in maps])
    for name in ("error_map", "entropy", "max_softmax"):
        values = np.concatenate([each[name][::step] for each in maps])
        figures[f"ap_{name}"] = ranked_precision(values, wrong)
    return {name: round(value, 4) for name, value in figures.items()}
