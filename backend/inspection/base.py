"""What all inspection rules share: what they may know of an annotation, and what they answer.

A rule works in three steps, so that a project is judged as a whole without holding its pictures in memory,
and so that nothing is looked at twice: `measure` reduces one annotated picture to a few numbers, which are
stored; `learn` finds out from the numbers of all of them what is usual in the project; `judge` compares one
with that. Rules that need no comparison derive from `PlainRule`, those that look for the unusual from
`OutlierRule`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from backend.inspection.outlines import Points, outline
from models.arrays import Image
from models.prompts import Prompts
from models.regions import Region

Json: TypeAlias = Mapping[str, Any]
"""Plain JSON values."""

WARN_AT = 0.5
"""From this severity on people are told."""
_LONGEST_NAME = 40
Pixels: TypeAlias = tuple[int, int, int, int]
"""(top, left, bottom, right), the last two exclusive."""


@dataclass(frozen=True, eq=False)
class DrawnObject:
    """An object that somebody drew or accepted.

    Attributes:
        id: The region's id in Label Studio; "" if it has none.
        region: Its pixels; `class_name` is its label, "" without one.
        outline: Corners as they were drawn, (n, 2) of row and column in pixels, closed by itself; None for
            what was not drawn as an outline.
        is_box: Whether only its box was drawn.
    """

    id: str
    region: Region
    outline: NDArray[np.float64] | None = None
    is_box: bool = False

    @cached_property
    def ring(self) -> Points:
        """The border pixels of its largest part; see `backend.inspection.outlines.outline`."""
        return outline(self.region)


@dataclass(frozen=True, eq=False)
class Belief:
    """What a network says about a picture whose annotation it has not learned from.

    Attributes:
        classes: Class names; `probabilities[1 + i]` is the i-th.
        probabilities: Of background and classes at the network's working size, (1 + C, h, w); sum 1.
        objects: What it would have drawn, in pixels of the picture.
        expected_dice: How good that is believed to be, in [0, 1].
        learned: Whether the network did learn from this very annotation, for want of another; then it agrees
            more than it should.
    """

    classes: tuple[str, ...]
    probabilities: NDArray[np.float32]
    objects: tuple[Region, ...]
    expected_dice: float
    learned: bool = False


@dataclass(frozen=True)
class PromptStep:
    """One answer to the prompts of an object.

    Attributes:
        at: When it was given, in seconds since 1970.
        prompts: All prompts of the object so far, in pixels.
        area: Pixels of the answer.
        overlap: IoU of the answer with the one before, in [0, 1]; None for the first.
    """

    at: float
    prompts: Prompts
    area: int
    overlap: float | None


@dataclass(frozen=True, eq=False)
class Work:
    """How an annotation was made.

    Attributes:
        annotator: Number of the person; None if that is unknown.
        seconds: How long it took; None if that is unknown.
        began_from: Objects of the pre-label that it began from; None if it began from nothing.
        prompts: What the interactive model was asked for on this picture, one series for each object.
    """

    annotator: int | None = None
    seconds: float | None = None
    began_from: tuple[Region, ...] | None = None
    prompts: tuple[tuple[PromptStep, ...], ...] = ()


@dataclass(frozen=True, eq=False)
class Subject:
    """One person's annotation of one picture, and what is known about it.

    Attributes:
        image: The picture, (H, W, 3) RGB.
        objects: What was drawn.
        classes: What could be drawn.
        group: Name of the sequence, patient or case; "" for a picture of its own.
        frame: Place in the group in any unit; None without one.
        embedding: What the picture is like, (D,) of length 1; None if that is unknown.
        belief: What the version in use says; None before the first training.
        work: How it was made.
        others: What other people drew on the same picture, one entry for each of them.
        answers: Chosen answers by the name of the question.
    """

    image: Image
    objects: tuple[DrawnObject, ...]
    classes: tuple[str, ...] = ()
    group: str = ""
    frame: float | None = None
    embedding: NDArray[np.float32] | None = None
    belief: Belief | None = None
    work: Work = Work()
    others: tuple[tuple[DrawnObject, ...], ...] = ()
    answers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def size_hw(self) -> tuple[int, int]:
        """Height and width of the picture."""
        return self.image.shape[0], self.image.shape[1]


@dataclass(frozen=True)
class Issue:
    """Something doubtful about an annotation.

    Attributes:
        rule: Name of the rule that found it.
        severity: In [0, 1], higher is worse; from `WARN_AT` on people are told.
        message: One plain sentence for the people who look at it.
        region_ids: The objects that are meant; empty for the picture as a whole.
        box: Where, in pixels of the picture; None for the picture as a whole.
    """

    rule: str
    severity: float
    message: str
    region_ids: tuple[str, ...] = ()
    box: Pixels | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; `from_json` reads them."""
        return {
            "rule": self.rule,
            "severity": round(self.severity, 4),
            "message": self.message,
            "region_ids": list(self.region_ids),
            "box": None if self.box is None else list(self.box),
        }

    @classmethod
    def from_json(cls, value: Json) -> Issue:
        """Read what `to_json` wrote.

        Raises:
            KeyError: A field is missing.
        """
        box = value["box"]
        where = None if box is None else (int(box[0]), int(box[1]), int(box[2]), int(box[3]))
        return cls(value["rule"], value["severity"], value["message"], tuple(value["region_ids"]), where)


class InspectionRule(ABC):
    """Finds one kind of doubtful annotation. Has no state; may be shared between threads.

    Constructors take keyword hyper-parameters with defaults and do nothing else.
    """

    name: ClassVar[str]
    higher_is_worse_because: ClassVar[str]
    """What the severity rises with, for people."""

    @abstractmethod
    def measure(self, subject: Subject) -> Json:
        """Reduce an annotated picture to what the rule has to know of it.

        Args:
            subject: Not modified.

        Returns:
            Plain JSON values, at most a few kilobytes; empty where the rule has nothing to look at.
        """

    def learn(self, measured: Mapping[str, Json]) -> Json:
        """Find out what is usual in a project.

        Args:
            measured: What `measure` returned, by a key of the annotated picture; never empty ones.

        Returns:
            Plain JSON values, given to `judge`.
        """
        return {}

    @abstractmethod
    def judge(self, key: str, measured: Json, usual: Json) -> list[Issue]:
        """Say what is doubtful.

        Args:
            key: Of the annotated picture.
            measured: What `measure` returned about it, not empty.
            usual: What `learn` returned.

        Returns:
            At most one issue for each object or place, also those below `WARN_AT`: they count in rankings.
        """


class PlainRule(InspectionRule):
    """A rule that needs to see nothing but the annotated picture."""

    @abstractmethod
    def inspect(self, subject: Subject) -> list[Issue]:
        """Say what is doubtful; see `judge`.

        Args:
            subject: Not modified.
        """

    def measure(self, subject: Subject) -> Json:
        """The issues themselves; see the base class."""
        issues = self.inspect(subject)
        return {"issues": [issue.to_json() for issue in issues]} if issues else {}

    def judge(self, key: str, measured: Json, usual: Json) -> list[Issue]:
        """The issues that were found; see the base class."""
        return [Issue.from_json(each) for each in measured["issues"]]


def graded(value: float, doubtful: float) -> float:
    """A severity that rises with a value.

    Args:
        value: At least 0.
        doubtful: From here on people are told, greater than 0.

    Returns:
        In [0, 1): 0 at 0, 0.5 at `doubtful`, 0.8 at twice that.
    """
    square = (value / doubtful) ** 2
    return square / (1 + square)


def shown(class_name: str) -> str:
    """A class in a message: its name, cut short if it is very long, or what to call objects without one."""
    if not class_name:
        return "objects without a label"
    return class_name if len(class_name) <= _LONGEST_NAME else class_name[: _LONGEST_NAME - 1] + "…"


def combined(issues: Sequence[Issue]) -> float:
    """How doubtful an annotation is, for rankings.

    The chance that any of the issues is real, if each is as likely as it is severe and they do not depend on
    each other (noisy-or, Pearl 1988, chapter 4). Of the issues of one rule only the worst counts: a rule that
    finds fault with one object tends to do so with its neighbours.

    Args:
        issues: Of one annotation.

    Returns:
        In [0, 1], higher is worse.
    """
    worst: dict[str, float] = {}
    for issue in issues:
        worst[issue.rule] = max(worst.get(issue.rule, 0.0), issue.severity)
    return float(1 - np.prod([1 - severity for severity in worst.values()]))
