"""Annotated pictures of a small project, as inspection rules see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from backend.inspection.base import Belief, DrawnObject, InspectionRule, Issue, Subject, Work
from models.arrays import Mask
from models.regions import Region

SIZE_HW = (96, 120)
CLASSES = ("cell", "grain")


def disc(row: float, column: float, radius: float, size_hw: tuple[int, int] = SIZE_HW) -> Mask:
    """A round object."""
    rows, columns = np.mgrid[: size_hw[0], : size_hw[1]]
    return np.asarray(np.hypot(rows - row, columns - column) < radius)


def drawn(mask: Mask, class_name: str = "cell", number: int = 0) -> DrawnObject:
    """An object that was drawn with a brush."""
    region = Region.from_mask(mask, class_name)
    if region is None:
        raise ValueError("The mask is empty.")
    return DrawnObject(f"region-{number}", region)


def clean_subject(seed: int) -> Subject:
    """A picture with two dark cells and a bright grain, all drawn as they are, and a network that agrees."""
    rng = np.random.default_rng(seed)
    places = (
        (26 + rng.normal(0, 2), 30 + rng.normal(0, 2), 14 + rng.normal(0, 0.7), "cell"),
        (64 + rng.normal(0, 2), 40 + rng.normal(0, 2), 14 + rng.normal(0, 0.7), "cell"),
        (46 + rng.normal(0, 2), 92 + rng.normal(0, 2), 8 + rng.normal(0, 0.4), "grain"),
    )
    masks = [(disc(row, column, radius), name) for row, column, radius, name in places]
    values = np.full((*SIZE_HW, 3), 150.0)
    for mask, name in masks:
        values[mask] = 60 if name == "cell" else 230
    image = np.clip(values + rng.normal(0, 6, values.shape), 0, 255).astype(np.uint8)
    objects = tuple(drawn(mask, name, number) for number, (mask, name) in enumerate(masks))
    embedding = rng.normal(size=16).astype(np.float32)
    return Subject(
        image=image,
        objects=objects,
        classes=CLASSES,
        embedding=embedding / np.linalg.norm(embedding),
        belief=belief_in([(mask, name) for mask, name in masks]),
        work=Work(annotator=seed % 3, seconds=float(rng.lognormal(np.log(40), 0.3))),
    )


def belief_in(masks: Sequence[tuple[Mask, str]], sure: float = 0.94) -> Belief:
    """A network that is rather sure of some objects, and of nothing else."""
    size_hw = masks[0][0].shape if masks else SIZE_HW
    rest = (1 - sure) / len(CLASSES)
    probabilities = np.full((1 + len(CLASSES), *size_hw), rest, dtype=np.float32)
    winner = np.zeros(size_hw, dtype=int)
    for mask, name in masks:
        winner[mask] = 1 + CLASSES.index(name)
    np.put_along_axis(probabilities, winner[None], sure, axis=0)
    regions = [Region.from_mask(mask, name, sure) for mask, name in masks]
    return Belief(CLASSES, probabilities, tuple(each for each in regions if each is not None), 0.95)


def clean_project(n_pictures: int = 30) -> dict[str, Subject]:
    """Annotated pictures without any fault, by their key."""
    return {f"{seed}/image": clean_subject(seed) for seed in range(n_pictures)}


def with_first(first: DrawnObject) -> Subject:
    """A faultless picture whose first object, a cell, was drawn otherwise."""
    subject = clean_subject(77)
    return replace(subject, objects=(first, *subject.objects[1:]))


def issues_of(
    rule: InspectionRule, subject: Subject, project: Mapping[str, Subject] | None = None
) -> list[Issue]:
    """What a rule says about a picture in a project, faultless unless another is given."""
    others = clean_project() if project is None else project
    measured = {key: rule.measure(each) for key, each in others.items()} | {
        "new/image": rule.measure(subject)
    }
    looked_at = {key: each for key, each in measured.items() if each}
    if "new/image" not in looked_at:
        return []
    return rule.judge("new/image", looked_at["new/image"], rule.learn(looked_at))


def severities(
    rule: InspectionRule, subject: Subject, project: Mapping[str, Subject] | None = None
) -> dict[str, float]:
    """Of the same issues, by the first object that is meant, "" for the picture as a whole."""
    issues = issues_of(rule, subject, project)
    return {issue.region_ids[0] if issue.region_ids else "": issue.severity for issue in issues}
