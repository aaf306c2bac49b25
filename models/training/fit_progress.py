"""How far a fit is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class FitProgress:
    """A message to whoever waits.

    Attributes:
        stage: What is being done, in words.
        done: Share of the whole, in [0, 1].
    """

    stage: str
    done: float


Report: TypeAlias = Callable[[FitProgress], None]
"""Told how far a fit is; may raise to end it."""
