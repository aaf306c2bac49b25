"""Rules that look for objects unlike the others of their class in the project."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from backend.inspection.base import DrawnObject, InspectionRule, Issue, Json, Subject, shown
from backend.inspection.borders import is_cut
from backend.inspection.usual import DOUBTFUL, FEWEST, Quantity, Usual, distance, severity_of, usual_of

_SEVERAL = 3
"""Objects of which the mean is compared with that of other pictures."""
_PICTURE = "picture"


class NumbersRule(InspectionRule):
    """Compares numbers of each object with those of its class; the most unusual one counts.

    Rules may also compare the mean numbers of pictures: what is little for one object is much for all.

    What is usual, and from where on a number is worth a warning, is said in `usual`. Objects that the border
    of the picture cuts off are compared with their like, those of a class with few objects with the objects
    of all classes.

    Args:
        doubtful: Robust standard deviations from the median that are worth a warning at the least.
    """

    of_pictures: ClassVar[bool] = False
    """Whether the mean numbers of whole pictures are compared too: faults that all their objects share."""

    def __init__(self, *, doubtful: float = DOUBTFUL) -> None:
        self._doubtful = doubtful

    @abstractmethod
    def quantities(self) -> tuple[Quantity, ...]:
        """What is compared."""

    @abstractmethod
    def numbers(self, drawn: DrawnObject, subject: Subject) -> Sequence[float] | None:
        """One number for each of the quantities; None if the object has none.

        Args:
            drawn: The object.
            subject: What it was drawn on.
        """

    @abstractmethod
    def message_about(self, quantity: int, class_name: str, value: float, median: float) -> str:
        """One plain sentence about an unusual object.

        Args:
            quantity: The most unusual one, an index into the quantities.
            class_name: Its label, "objects without a label" for those without one.
            value: Its number.
            median: That of its class.
        """

    def measure(self, subject: Subject) -> Json:
        """The numbers of the objects; see the base class."""
        objects = []
        for drawn in subject.objects:
            values = self.numbers(drawn, subject)
            if values is not None:
                kind = [drawn.region.class_name, is_cut(drawn.region, subject.size_hw)]
                rounded = [round(value, 4) for value in values]
                objects.append([drawn.id, *kind, list(drawn.region.box), rounded])
        return {"objects": objects} if objects else {}

    def learn(self, measured: Mapping[str, Json]) -> Json:
        """Median and doubtful distances of each class, of all, and of pictures; see the base class."""
        values: dict[str, list[Sequence[float]]] = {}
        pictures: dict[str, set[str]] = {}
        for key, each in measured.items():
            found = [
                (kind, numbers)
                for _, class_name, cut, _, numbers in each["objects"]
                for kind in _kinds(class_name, cut)
            ]
            for kind, numbers in [*found, *((_PICTURE, mean) for mean in self._means(each))]:
                values.setdefault(kind, []).append(numbers)
                pictures.setdefault(kind, set()).add(key)
        usual: dict[str, Any] = {}
        for kind, rows in values.items():
            if len(rows) >= FEWEST:
                columns = zip(self.quantities(), np.array(rows).T, strict=True)
                per_picture = len(rows) / len(pictures[kind])
                usual[kind] = [
                    usual_of(quantity, column, per_picture=per_picture, doubtful=self._doubtful)
                    for quantity, column in columns
                ]
        return usual

    def judge(self, key: str, measured: Json, usual: Json) -> list[Issue]:
        """An issue for each object and one for the picture, once enough are known; see the base class."""
        issues = []
        for region_id, class_name, cut, box, numbers in measured["objects"]:
            known = next((usual[kind] for kind in _kinds(class_name, cut) if kind in usual), None)
            if known is not None:
                severity, message = self._judged(numbers, known, shown(class_name))
                issues.append(Issue(self.name, severity, message, (region_id,), tuple(box)))
        if _PICTURE in usual:
            for mean in self._means(measured):
                severity, message = self._judged(mean, usual[_PICTURE], "pictures of this project")
                issues.append(Issue(self.name, severity, f"All objects together: {message}"))
        return issues

    def _means(self, measured: Json) -> list[Sequence[float]]:
        """The mean numbers of a picture with several objects; nothing for others."""
        rows = [numbers for *_, numbers in measured["objects"]]
        if not self.of_pictures or len(rows) < _SEVERAL:
            return []
        return [np.mean(rows, axis=0).tolist()]

    def _judged(self, numbers: Sequence[float], known: Sequence[Usual], name: str) -> tuple[float, str]:
        """Severity and message of the most unusual number."""
        distances = [distance(value, each) for value, each in zip(numbers, known, strict=True)]
        worst = int(np.argmax(distances))
        message = self.message_about(worst, name, numbers[worst], known[worst][0] or 0.0)
        return severity_of(distances[worst]), message


class OutlierRule(NumbersRule):
    """Compares a single number of each object with those of its class; see the base class."""

    least_spread: ClassVar[float]
    """Smallest standard deviation to assume: smaller differences mean nothing to people."""
    below: ClassVar[bool] = True
    """Whether numbers below the median can be doubtful."""
    above: ClassVar[bool] = True
    """Whether numbers above the median can be doubtful."""

    @abstractmethod
    def number(self, drawn: DrawnObject, subject: Subject) -> float | None:
        """The number to compare; None if the object has none.

        Args:
            drawn: The object.
            subject: What it was drawn on.
        """

    @abstractmethod
    def message(self, class_name: str, value: float, median: float) -> str:
        """One plain sentence about an unusual object.

        Args:
            class_name: Its label, "objects without a label" for those without one.
            value: Its number.
            median: That of its class.
        """

    def quantities(self) -> tuple[Quantity, ...]:
        """The only one; see the base class."""
        return (Quantity(self.least_spread, self.below, self.above),)

    def numbers(self, drawn: DrawnObject, subject: Subject) -> Sequence[float] | None:
        """The only one; see the base class."""
        value = self.number(drawn, subject)
        return None if value is None else (value,)

    def message_about(self, quantity: int, class_name: str, value: float, median: float) -> str:
        """See the base class."""
        return self.message(class_name, value, median)


def _kinds(class_name: str, cut: bool) -> tuple[str, str]:
    """What an object is compared with: those of its class or, if they are few, all."""
    prefix = "cut" if cut else "whole"
    return f"{prefix}:{class_name}", prefix
