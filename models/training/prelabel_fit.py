"""One fit of a pre-labeller: from annotated pictures to a network and the gate's decision."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch

from models.arrays import Image
from models.errors import MaskloopError, TooFewExamplesError, TrainingRunError
from models.label_schema import LabelSchema
from models.networks.unet import UNet as Network
from models.prelabel.base import PreLabeller
from models.prelabel.folds import FOLDS, packed_folds
from models.prelabel.network_description import DESCRIPTION, WEIGHTS, NetworkDescription
from models.prelabel.unet import UNet
from models.training.atomic_files import write_atomically
from models.training.examples import Example
from models.training.fit_progress import FitProgress, Report
from models.training.gate import GateDecision
from models.training.prelabel_gate import ActiveModel, Candidate, judge
from models.training.prelabel_samples import UNKNOWN, Sample, countable_classes, prepared, working_side
from models.training.prelabel_split import split
from models.training.prelabel_stages import Stages

__all__ = ["ActiveModel", "FitOutcome", "FitProgress", "GateDecision", "fit_prelabeller", "fit_seconds"]

_ENOUGH_IMAGES = 50
_PREPARED, _TRAINED = 0.04, 0.92
"""Shares of the whole when the pictures are read, and when the networks are trained."""


@dataclass(frozen=True)
class FitOutcome:
    """What came out of a fit.

    Attributes:
        folder: Holds `weights.safetensors`, `network.json` and, unless the examples were too few,
            `folds.safetensors`; nothing else.
        gate: Whether the model may be used, and why.
        trained_on: Keys of the examples that were learned from.
        held_out: Keys of the examples that were not.
        metrics: Plain JSON values: mean scores of the judged examples and facts about the training.
    """

    folder: Path
    gate: GateDecision
    trained_on: tuple[str, ...]
    held_out: tuple[str, ...]
    metrics: Mapping[str, Any]


def fit_seconds(n_examples: int, base_s: float, cap_s: float) -> float:
    """Time for a fit: the base up to 50 pictures, then growing with the square root of their number.

    Args:
        n_examples: Annotated pictures.
        base_s: For up to 50.
        cap_s: Never more than this.
    """
    return min(cap_s, base_s * math.sqrt(max(1.0, n_examples / _ENOUGH_IMAGES)))


def fit_prelabeller(
    examples: Sequence[Example],
    schema: LabelSchema,
    scratch: Path,
    *,
    warm_start: Path | None,
    active: ActiveModel | None,
    baseline: PreLabeller,
    budget_s: float,
    seed: int,
    report: Report,
    pretrained: bool = True,
    side: int | None = None,
) -> FitOutcome:
    """Train a pre-labeller and judge it.

    Two networks each learn from half of the examples and are asked about the other half; what they get wrong
    there teaches the error branch, calibrates the expected quality, and says how long training pays. A third
    network learns from all examples but the held-out ones.

    Args:
        examples: Annotated pictures. Those that cannot be read are left out.
        schema: What the model is to say.
        scratch: Folder of this fit alone. Called again with the same arguments after the process was killed,
            the fit goes on with what lies there.
        warm_start: Folder of the model to go on from; None, or one with another schema, begins anew, and so
            does one that has learned from pictures that are held out now.
        active: The model in use, to be compared with.
        baseline: What is used without any training, to be compared with.
        budget_s: About how long it may take; half as long again where others use the cores.
        seed: Of everything random; the same seed gives the same model only if the time does not run out.
        report: Told the progress; what it raises ends the fit and passes through.
        pretrained: Whether the encoder begins as it is shipped; random weights are for comparisons.
        side: Longer side of the network's pictures in pixels; None takes what the objects need.

    Raises:
        TooFewExamplesError: No example can be learned from.
        TrainingRunError: The scratch folder cannot be written or is damaged; or more than 254 classes.
    """
    if len(schema.classes) >= UNKNOWN:
        raise TrainingRunError(
            f"The labelling config has {len(schema.classes)} classes of objects; "
            f"{UNKNOWN - 1} can be learned."
        )
    scratch.mkdir(parents=True, exist_ok=True)
    learned, held_out = split([each for each in examples if _says_anything(each, schema)])
    samples, side, problems = _read(learned, schema, side, report)
    report_training = _within(report, _PREPARED, _TRAINED)
    stages = Stages(samples, schema, scratch, budget_s, seed, report_training, pretrained=pretrained)
    seen = active is not None and any(each.key in active.trained_on for each in held_out)
    network = stages.train(None if seen else _start(warm_start, schema))
    keys = {sample.key for sample in samples}
    readable = [each for each in learned if each.key in keys]
    countable = countable_classes([each.regions or () for each in readable], schema)
    description = NetworkDescription(schema, side, countable, stages.calibration())
    folder = _saved(network, description, stages.folds, scratch / "model")
    report(FitProgress("comparing with the model in use", _TRAINED))
    candidate = Candidate(UNet(folder), description, readable, held_out, stages.out_of_fold)
    gate, metrics = judge(candidate, active, baseline)
    report(FitProgress("done", 1.0))
    facts = {"unreadable": problems, "steps": stages.steps, "side": side}
    return FitOutcome(
        folder, gate, tuple(sorted(keys)), tuple(each.key for each in held_out), {**metrics, **facts}
    )


def _says_anything(example: Example, schema: LabelSchema) -> bool:
    marked = bool(schema.classes) and example.regions is not None
    return marked or any(question.name in example.answers for question in schema.questions)


def _read(
    examples: Sequence[Example], schema: LabelSchema, side: int | None, report: Report
) -> tuple[list[Sample], int, dict[str, str]]:
    """The examples at the working size, that size, and what is wrong with those that cannot be read."""
    problems: dict[str, str] = {}
    sizes: dict[str, tuple[int, int]] = {}
    for number, example in enumerate(examples):
        report(FitProgress("reading the pictures", _PREPARED * number / len(examples)))
        image = _loaded(example, problems)
        if image is not None:
            sizes[example.key] = (image.shape[0], image.shape[1])
    kept = [example for example in examples if example.key in sizes]
    regions = [each.regions or () for each in kept]
    side = side or working_side([sizes[each.key] for each in kept], regions)
    samples = []
    for example in kept:  # again, since full-size pictures of a whole project need not fit in memory
        image = _loaded(example, problems)
        if image is not None:
            samples.append(prepared(example, image, schema, side))
    if not samples:
        reasons = "; ".join(sorted(set(problems.values()))[:3]) or "there are no annotated pictures"
        raise TooFewExamplesError(f"Nothing to learn from: {reasons}")
    return samples, side, problems


def _loaded(example: Example, problems: dict[str, str]) -> Image | None:
    """The picture, or None with a note of what is wrong with it."""
    try:
        return example.load_image()
    except MaskloopError as error:
        problems[example.key] = str(error)
        return None


def _start(folder: Path | None, schema: LabelSchema) -> Path | None:
    """The weights to go on from, if they belong to the same questions."""
    if folder is None or NetworkDescription.read(folder / DESCRIPTION).schema != schema:
        return None
    return folder / WEIGHTS


def _saved(
    network: Network,
    description: NetworkDescription,
    folds: Sequence[tuple[Network, Sequence[str]]],
    folder: Path,
) -> Path:
    folder.mkdir(exist_ok=True)
    tensors = {name: value.half().contiguous() for name, value in network.state_dict().items()}
    if folds:
        write_atomically(folder / FOLDS, packed_folds(folds))
    write_atomically(folder / WEIGHTS, safetensors.torch.save(tensors))
    write_atomically(folder / DESCRIPTION, json.dumps(description.to_json(), indent=1).encode())
    return folder


def _within(report: Report, start: float, end: float) -> Report:
    """Report a part of the whole."""
    return lambda part: report(FitProgress(part.stage, start + (end - start) * part.done))
