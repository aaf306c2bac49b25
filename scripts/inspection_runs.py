"""Runs of scripts.evaluate_inspection: a project with faults is learned from and then inspected."""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from backend.inspection import RULES
from backend.inspection.base import WARN_AT, DrawnObject, Issue, Subject, combined
from backend.services.beliefs import Beliefs
from models.prelabel.looks import Looks
from models.prelabel.unet import UNet
from models.prelabel.watershed import Watershed
from models.training.examples import Example
from models.training.prelabel_fit import fit_prelabeller, fit_seconds
from scripts.injected_errors import Regions, Scene, make_faulty
from scripts.picture_sets import PictureSet, choose
from scripts.worker_processes import in_processes

COMBINED = "all rules together"


@dataclass(frozen=True)
class Protocol:
    """What all runs share.

    Attributes:
        pictures: Where they are.
        stems: Names of the pictures to choose from.
        n_pictures: Annotated pictures of a project.
        share: Of them that get a fault, in [0, 1).
        kinds: Faults to put in.
        seconds: Time of a fit with up to 50 pictures.
        most_seconds: Time of the longest fit; 0 leaves out what needs a network.
    """

    pictures: PictureSet
    stems: tuple[str, ...]
    n_pictures: int
    share: float
    kinds: tuple[str, ...]
    seconds: float
    most_seconds: float


def run_all(
    protocol: Protocol, seeds: Sequence[int], workers: int
) -> Generator[list[dict[str, Any]], None, None]:
    """Inspect projects, several at a time.

    Yields:
        The rows of each project: one for each annotated picture, with its fault and the severities.
    """
    yield from in_processes(partial(_inspected, protocol), seeds, workers)


def _inspected(protocol: Protocol, seed: int) -> list[dict[str, Any]]:
    stems = choose(protocol.stems, protocol.n_pictures, seed)
    examples = [protocol.pictures.example(stem) for stem in stems]
    classes = protocol.pictures.schema(stems).classes
    faults = _faults(protocol, examples, classes, np.random.default_rng(seed))
    drawn = [replace(each, regions=faults[each.key][1]) if each.key in faults else each for each in examples]
    beliefs = _learned(protocol, drawn, seed) if protocol.most_seconds else None
    judged = judge_all(_subjects(drawn, classes, beliefs))
    return [
        {"seed": seed, "picture": key, "fault": faults.get(key, ("", ()))[0]} | _severities(issues)
        for key, issues in judged.items()
    ]


def judge_all(subjects: Generator[tuple[str, Subject], None, None]) -> dict[str, list[Issue]]:
    """What all rules together say about a project.

    Args:
        subjects: Annotated pictures by their keys; one at a time is held in memory.

    Returns:
        The issues of each annotated picture.
    """
    rules = [RULES.create(name) for name in RULES.names]
    measured: dict[str, dict[str, Mapping[str, Any]]] = {rule.name: {} for rule in rules}
    issues: dict[str, list[Issue]] = {}
    for key, subject in subjects:
        issues[key] = []
        for rule in rules:
            found = rule.measure(subject)
            if found:
                measured[rule.name][key] = found
    for rule in rules:
        looked_at = measured[rule.name]
        usual = rule.learn(looked_at) if looked_at else {}
        for key, each in looked_at.items():
            issues[key] += rule.judge(key, each, usual)
    return issues


def _severities(issues: Sequence[Issue]) -> dict[str, Any]:
    worst: dict[str, float] = {}
    for issue in issues:
        worst[issue.rule] = max(worst.get(issue.rule, 0.0), round(issue.severity, 4))
    warned = any(severity >= WARN_AT for severity in worst.values())
    return {"severities": worst | {COMBINED: round(combined(issues), 6)}, "warned": warned}


def _faults(
    protocol: Protocol, examples: Sequence[Example], classes: tuple[str, ...], rng: np.random.Generator
) -> dict[str, tuple[str, Regions]]:
    """Kind and regions of the faulty annotations, by key."""
    wanted = round(protocol.share * len(examples))
    faults: dict[str, tuple[str, Regions]] = {}
    for index in rng.permutation(len(examples)):
        if len(faults) >= wanted:
            break
        example, other = examples[index], examples[(index + 1) % len(examples)]
        scene = Scene(example.regions or (), _size(example), classes, (other.regions or (), _size(other)))
        fault = make_faulty(scene, protocol.kinds, rng)
        if fault is not None:
            faults[example.key] = fault
    return faults


def _size(example: Example) -> tuple[int, int]:
    image = example.load_image()
    return image.shape[0], image.shape[1]


def _learned(protocol: Protocol, drawn: Sequence[Example], seed: int) -> Beliefs:
    """What a version believes that has learned from the faulty annotations, as one of a project has."""
    with tempfile.TemporaryDirectory(prefix="maskloop-evaluation-") as scratch:
        outcome = fit_prelabeller(
            drawn,
            protocol.pictures.schema([each.key for each in drawn]),
            Path(scratch),
            warm_start=None,
            active=None,
            baseline=Watershed(),
            budget_s=fit_seconds(len(drawn), protocol.seconds, protocol.most_seconds),
            seed=seed,
            report=lambda _: None,
        )
        model = UNet(outcome.folder)
        model.load()
        beliefs = Beliefs(model, outcome.trained_on)
        beliefs.load()
    return beliefs


def _subjects(
    drawn: Sequence[Example], classes: tuple[str, ...], beliefs: Beliefs | None
) -> Generator[tuple[str, Subject], None, None]:
    looks = Looks()
    for example in drawn:
        image = example.load_image()
        objects = tuple(
            DrawnObject(str(number), region) for number, region in enumerate(example.regions or ())
        )
        yield (
            example.key,
            Subject(
                image=image,
                objects=objects,
                classes=classes,
                group=example.group if example.group != example.key else "",
                frame=example.frame,
                embedding=looks.embedding(image),
                belief=None if beliefs is None else beliefs.of(example.key, image),
            ),
        )
