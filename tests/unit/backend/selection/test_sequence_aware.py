import numpy as np

from backend.selection.base import Places, Situation
from backend.selection.sequence_aware import SequenceAware


def sequences(groups: list[int], frames: list[float]) -> Places:
    return Places(
        np.zeros((len(groups), 0), dtype=np.float32), np.array(groups, dtype=np.int64), np.array(frames)
    )


def chosen(candidates: Places, labelled: Places, budget: int, seed: int = 0) -> list[int]:
    picked = SequenceAware().select(Situation(candidates, labelled), budget, np.random.default_rng(seed))
    return [int(index) for index in picked]


NOTHING = sequences([], [])
THREE = sequences([0] * 10 + [1] * 10 + [2] * 10, [*range(10)] * 3)


def test_every_sequence_is_asked_before_any_is_asked_again() -> None:
    for seed in range(5):
        first = chosen(THREE, NOTHING, 6, seed)
        assert sorted(index // 10 for index in first[:3]) == [0, 1, 2]
        assert sorted(index // 10 for index in first[3:]) == [0, 1, 2]


def test_the_first_frame_of_a_sequence_is_a_random_one() -> None:
    assert len({chosen(THREE, NOTHING, 1, seed)[0] for seed in range(20)}) > 10


def test_the_frame_farthest_from_the_annotated_ones_follows() -> None:
    one = sequences([0] * 10, [*range(10)])
    farthest, next_one = chosen(one, sequences([0], [2]), 2)
    assert (farthest, next_one in (5, 6)) == (9, True)
    assert chosen(one, sequences([0, 0], [0, 9]), 1)[0] in (4, 5)


def test_sequences_with_fewer_annotated_pictures_come_first() -> None:
    labelled = sequences([0, 0, 2], [1, 5, 3])
    first, *others = (index // 10 for index in chosen(THREE, labelled, 3))
    assert (first, set(others)) == (1, {1, 2})


def test_frames_without_a_place_are_asked_too() -> None:
    nowhere = sequences([0, 0, 1, 1], [float("nan")] * 4)
    assert sorted(chosen(nowhere, sequences([0], [float("nan")]), 4)) == [0, 1, 2, 3]


def test_utilities_prefer_far_frames_of_poor_sequences() -> None:
    values = SequenceAware().utilities(Situation(THREE, sequences([0, 1], [0, 0])), np.random.default_rng(0))
    assert values[20:].min() > values[:20].max() - 1e-9
    assert values[9] > values[1]
