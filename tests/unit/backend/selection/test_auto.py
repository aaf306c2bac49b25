from __future__ import annotations

from dataclasses import replace

import numpy as np

from backend.selection.auto import Auto
from backend.selection.base import Places, Situation
from backend.selection.sequence_aware import SequenceAware
from tests.fakes.situations import situation


def chosen(among: Situation, budget: int) -> list[int]:
    return [int(index) for index in Auto().select(among, budget, np.random.default_rng(0))]


def crowd_and_strangers() -> Situation:
    """Three crowds of 30 pictures, and three pictures unlike all others at the end."""
    rng = np.random.default_rng(0)
    axes = np.eye(6, dtype=np.float32)
    crowds = np.repeat(axes[:3], 30, axis=0) + rng.normal(0, 0.05, (90, 6)).astype(np.float32)
    looks = np.concatenate([crowds, axes[3:]])
    looks /= np.linalg.norm(looks, axis=1, keepdims=True)
    places = Places(looks, np.arange(93, dtype=np.int64), np.full(93, np.nan))
    return Situation(places, places[np.array([], dtype=np.intp)])


def test_the_first_pictures_are_typical_ones_and_strangers_in_turn() -> None:
    batch = chosen(crowd_and_strangers(), 8)
    assert all(index < 90 for index in batch[::2])
    assert {index // 30 for index in batch if index < 90} == {0, 1, 2}
    assert {90, 91, 92} <= set(batch[1::2])


def test_sequences_are_asked_in_turn_whatever_is_known() -> None:
    for n_labelled in (0, 40):
        among = situation(60, n_labelled, n_sequences=5)
        expected = SequenceAware().select(among, 10, np.random.default_rng(0))
        assert chosen(among, 10) == list(expected)


def test_uncertainty_decides_once_enough_is_annotated() -> None:
    among = situation(200, 40)
    assert among.figures is not None
    sure = replace(
        among.figures,
        quality=np.where(np.arange(200) < 20, 0.1, 0.99),
        selective_entropy=np.where(np.arange(200) < 20, 0.9, 0.01),
        class_entropy=np.where(np.arange(200)[:, None] < 20, 0.9, 0.01) * (among.figures.class_shares > 0),
    )
    batch = chosen(replace(among, figures=sure), 10)
    assert sum(index < 20 for index in batch) >= 7
    assert sum(index < 20 for index in chosen(replace(among, figures=None), 10)) < 5
