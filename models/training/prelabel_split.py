"""Which examples are learned from, which are held out, and which fold each belongs to."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from models.training.examples import Example

_HELD_OUT_ONE_IN = 5
_FEWEST = 8
"""With fewer examples none is held out: cross-validation judges instead."""
_FEWEST_HELD_OUT = 2


def split(examples: Sequence[Example]) -> tuple[list[Example], list[Example]]:
    """Divide examples into those to learn from and those held out.

    The place of an example follows from a hash of its group alone, so that it never changes, whatever is
    added later. About one group in five is held out.

    Returns:
        What is learned from, and what is held out; the latter is empty when there are too few.
    """
    held_out = [each for each in examples if _hash(each.group) % _HELD_OUT_ONE_IN == 0]
    rest = [each for each in examples if _hash(each.group) % _HELD_OUT_ONE_IN != 0]
    if len(examples) < _FEWEST or len(held_out) < _FEWEST_HELD_OUT or len(rest) < len(held_out):
        return list(examples), []
    return rest, held_out


def fold_of(groups: Sequence[str], n_folds: int) -> list[int]:
    """The fold of each example: whole groups, spread evenly; examples of a single group are spread singly.

    Args:
        groups: The group of each example.
        n_folds: At least 1.
    """
    names = sorted(set(groups), key=_hash)
    if len(names) < n_folds:
        return [index % n_folds for index in range(len(groups))]
    sizes = [0] * n_folds
    fold_by_group = {}
    for name in sorted(names, key=lambda each: -groups.count(each)):
        smallest = sizes.index(min(sizes))
        fold_by_group[name] = smallest
        sizes[smallest] += groups.count(name)
    return [fold_by_group[group] for group in groups]


def _hash(group: str) -> int:
    return int.from_bytes(hashlib.sha256(group.encode()).digest()[:8], "big")
