"""Asks pictures from all sequences, far apart within each."""

from __future__ import annotations

from heapq import heapify, heappop, heappush

import numpy as np

from backend.selection.base import Indices, Numbers, Selector, Situation


class SequenceAware(Selector):
    """One picture of each sequence at random, then always the frame farthest from those that are annotated.

    Sequences with the fewest annotated pictures come first. Where frames have no place, or all are equally
    far, chance decides.

    Source: Schilling et al., "Label Assistant: a workflow for assisted data annotation in image segmentation
    tasks", 2021: one random sample per sequence.
    """

    name = "sequence-aware"

    def utilities(self, situation: Situation, rng: np.random.Generator) -> Numbers:
        """Minus the number of annotated pictures of its sequence, far frames first; see the base class."""
        values = np.empty(len(situation.candidates))
        for sequence in _sequences(situation, rng):
            values[sequence.members] = sequence.farness() - sequence.n_labelled
        return values

    def select(self, situation: Situation, budget: int, rng: np.random.Generator) -> Indices:
        """See the base class."""
        sequences = _sequences(situation, rng)
        turns = [(each.n_labelled, turn, each) for turn, each in enumerate(sequences)]
        heapify(turns)
        chosen: list[int] = []
        for _ in range(min(budget, len(situation.candidates))):
            n_labelled, turn, sequence = heappop(turns)
            chosen.append(sequence.pop())
            if len(sequence.members):
                heappush(turns, (n_labelled + 1, turn, sequence))
        return np.array(chosen, dtype=np.intp)


class _Sequence:
    """The candidates of one sequence.

    Args:
        members: Their indices, in random order.
        frames: Their places.
        labelled: Places of its annotated pictures.
    """

    def __init__(self, members: Indices, frames: Numbers, labelled: Numbers) -> None:
        self.members = members
        self.n_labelled = len(labelled)
        self._frames = frames
        self._distances: Numbers = np.full(len(members), np.inf)
        for frame in labelled:
            self._heed(frame)

    def farness(self) -> Numbers:
        """Distance to the nearest annotated frame over the largest one, in [0, 1]."""
        finite = self._distances[np.isfinite(self._distances)]
        longest = max(float(finite.max(initial=0.0)), 1e-12)
        return np.minimum(self._distances / longest, 1.0)

    def pop(self) -> int:
        """Take the farthest frame; the first of equally far ones, which is a random one."""
        place = int(np.argmax(self._distances))
        index, frame = int(self.members[place]), self._frames[place]
        self.members = np.delete(self.members, place)
        self._frames = np.delete(self._frames, place)
        self._distances = np.delete(self._distances, place)
        self._heed(frame)
        return index

    def _heed(self, frame: float) -> None:
        self._distances = np.fmin(self._distances, np.abs(self._frames - frame))


def _sequences(situation: Situation, rng: np.random.Generator) -> list[_Sequence]:
    """The sequences in random order."""
    candidates, labelled = situation.candidates, situation.labelled
    shuffled = rng.permutation(len(candidates))
    names, inverse = np.unique(candidates.groups[shuffled], return_inverse=True)
    by_group = np.split(shuffled[np.argsort(inverse, kind="stable")], np.cumsum(np.bincount(inverse))[:-1])
    by_name = np.argsort(labelled.groups, kind="stable")
    first, last = (np.searchsorted(labelled.groups[by_name], names, side) for side in ("left", "right"))
    order = rng.permutation(len(names))
    return [
        _Sequence(
            by_group[each],
            candidates.frames[by_group[each]],
            labelled.frames[by_name[first[each] : last[each]]],
        )
        for each in order
    ]
