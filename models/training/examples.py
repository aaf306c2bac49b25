"""Annotated pictures to learn from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from models.arrays import Image
from models.regions import Region


@dataclass(frozen=True, eq=False)
class Example:
    """A picture and what people said about it.

    Attributes:
        key: Names the picture for ever; hold-out and resuming depend on it.
        group: What must not be told apart in a split, such as the sequence; the key if there is none.
        load_image: Reads the picture, (H, W, 3) RGB; raises a `MaskloopError` if that fails.
        regions: All objects in the picture, with their classes; empty if there is none, and None if nobody
            was asked for objects.
        answers: Chosen answers by the name of the question; questions nobody answered are missing, and one
            with several answers has none if none holds.
        frame: Place in the order of its group's pictures, finite; None if it has none.
    """

    key: str
    group: str
    load_image: Callable[[], Image] = field(repr=False)
    regions: tuple[Region, ...] | None
    answers: Mapping[str, tuple[str, ...]]
    frame: float | None = None
