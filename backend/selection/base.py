"""What all selectors share: what they may know of the tasks, and what they answer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Indices = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Places:
    """Where pictures lie: what they are like, and in which sequence.

    Attributes:
        embeddings: (N, D) float32, each of length 1; D may be 0 where nothing is known.
        groups: (N,) number of the sequence, patient or case; a picture of its own has a number of its own.
        frames: (N,) place within the group in any unit; NaN where unknown.
    """

    embeddings: NDArray[np.float32]
    groups: NDArray[np.int64]
    frames: Numbers

    def __len__(self) -> int:
        return len(self.groups)

    def __getitem__(self, chosen: NDArray[np.bool_] | Indices) -> Places:
        return Places(self.embeddings[chosen], self.groups[chosen], self.frames[chosen])


@dataclass(frozen=True, eq=False)
class Figures:
    """What a trained version says about N pictures, each figure (N,) unless said otherwise.

    Attributes:
        foreground: Share of the picture that belongs to objects, in [0, 1].
        least_confidence: Mean of 1 - the largest probability, in [0, 1].
        margin: Mean of 1 - (largest - second largest probability), in [0, 1].
        entropy: Mean entropy of the probabilities over its greatest possible value, in [0, 1].
        selective_entropy: The same, over predicted objects and their surroundings only.
        quality: Dice coefficient to expect, in [0, 1].
        class_shares: (N, C) share of the picture that is said to be of each class, in [0, 1].
        class_entropy: (N, C) mean entropy where that class is predicted, in [0, 1]; 0 where it is not.
        mutual_information: Mean over places of BALD, in [0, 1]; None if nobody asked for it.
        disagreement: 1 - mean Dice coefficient between versions, in [0, 1]; None if nobody asked for it.
    """

    foreground: Numbers
    least_confidence: Numbers
    margin: Numbers
    entropy: Numbers
    selective_entropy: Numbers
    quality: Numbers
    class_shares: Numbers
    class_entropy: Numbers
    mutual_information: Numbers | None = None
    disagreement: Numbers | None = None


@dataclass(frozen=True, eq=False)
class Situation:
    """Everything that a selector may decide by.

    Attributes:
        candidates: The N tasks that could be asked, in the order of their numbers.
        labelled: The pictures that are annotated already.
        figures: What the version in use says about the candidates; None before the first training.
    """

    candidates: Places
    labelled: Places
    figures: Figures | None = None


class Selector(ABC):
    """Decides which tasks are asked next. Has no state; all chance comes from the generator."""

    name: ClassVar[str]
    uses: ClassVar[frozenset[str]] = frozenset()
    """What it looks at: fields of `Figures`, and "embeddings"."""
    needs_version: ClassVar[bool] = False
    """Whether it cannot work before the first training."""

    @abstractmethod
    def utilities(self, situation: Situation, rng: np.random.Generator) -> Numbers:
        """How much each candidate would teach on its own.

        Args:
            situation: At least one candidate, and the figures in `uses` if there is a trained version.
            rng: Chance.

        Returns:
            (N,) finite, higher is more valuable; the unit is the selector's own.
        """

    @abstractmethod
    def select(self, situation: Situation, budget: int, rng: np.random.Generator) -> Indices:
        """Choose a batch.

        Args:
            situation: As in `utilities`.
            budget: Most tasks to choose, at least 1.
            rng: Chance.

        Returns:
            (min(budget, N),) indices of candidates, the first to be asked first, each once.
        """


@dataclass(frozen=True, eq=False)
class Ranking:
    """All candidates in order.

    Attributes:
        order: (N,) indices, the first to be asked first.
        utilities: (N,) of the candidates as they were given, see `Selector.utilities`.
    """

    order: Indices
    utilities: Numbers


def ranked(selector: Selector, situation: Situation, budget: int, rng: np.random.Generator) -> Ranking:
    """All candidates: the batch that a selector chooses, then the others by their utility.

    Args:
        selector: Decides.
        situation: At least one candidate.
        budget: Size of the batch, at least 1.
        rng: Chance.
    """
    batch = selector.select(situation, budget, rng)
    utilities = selector.utilities(situation, rng)
    rest = np.setdiff1d(np.arange(len(situation.candidates)), batch)
    order = np.argsort(-utilities[rest], kind="stable")
    return Ranking(np.concatenate([batch, rest[order]]), utilities)


def known(situation: Situation, selector: str) -> Figures:
    """The figures of a situation.

    Raises:
        ValueError: There are none, which callers rule out by `Selector.needs_version`.
    """
    if situation.figures is None:
        raise ValueError(f"The selector {selector!r} needs a trained version.")
    return situation.figures


def present(figure: Numbers | None) -> Numbers:
    """A figure that is only computed when asked for.

    Raises:
        ValueError: It was not, which callers rule out by `Selector.uses`.
    """
    if figure is None:
        raise ValueError("A figure that the selector needs was not computed.")
    return figure


def joined(parts: Sequence[Indices], budget: int) -> Indices:
    """The first indices of several lists, each once, in their order."""
    every = np.concatenate([np.asarray(part, dtype=np.intp) for part in parts])
    _, first = np.unique(every, return_index=True)
    return np.asarray(every[np.sort(first)][:budget])
