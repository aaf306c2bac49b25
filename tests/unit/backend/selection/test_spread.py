import numpy as np

from backend.selection.base import Places
from backend.selection.spread import spread


def places(looks: list[tuple[float, float]], groups: list[int], frames: list[float]) -> Places:
    embeddings = np.array(looks, dtype=np.float32)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    return Places(embeddings, np.array(groups, dtype=np.int64), np.array(frames))


def chosen(utilities: list[float], candidates: Places, budget: int) -> list[int]:
    return [int(index) for index in spread(np.array(utilities), candidates, budget)]


NAN = float("nan")
UNLIKE = places([(1, 0), (0, 1), (-1, 0), (0, -1)], [0, 1, 2, 3], [NAN] * 4)


def test_pictures_that_are_not_alike_come_by_utility() -> None:
    assert chosen([0.1, 5.0, 0.3, 0.2], UNLIKE, 4) == [1, 2, 3, 0]


def test_the_unit_of_the_utility_does_not_matter() -> None:
    assert chosen([-100.0, 5e9, 3.0, 2.0], UNLIKE, 4) == [1, 2, 3, 0]


def test_a_copy_comes_after_all_others() -> None:
    copies = places([(1, 0), (1, 0), (0, 1), (-1, 0)], [0, 1, 2, 3], [NAN] * 4)
    assert chosen([4.0, 3.0, 2.0, 1.0], copies, 4) == [0, 2, 3, 1]


def test_neighbouring_frames_are_alike_only_within_their_sequence() -> None:
    looks = [(1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0)]
    frames = [0.0, 1.0, 100.0, 1.0]
    assert chosen([4.0, 3.0, 2.0, 1.0], places(looks, [0, 0, 0, 1], frames), 4) == [0, 2, 3, 1]
    assert chosen([4.0, 3.0, 2.0, 1.0], places(looks, [0, 2, 0, 1], frames), 4) == [0, 1, 2, 3]


def test_pictures_of_unknown_looks_and_places_come_by_utility() -> None:
    unknown = Places(np.zeros((3, 0), dtype=np.float32), np.zeros(3, dtype=np.int64), np.full(3, np.nan))
    assert chosen([1.0, 3.0, 2.0], unknown, 9) == [1, 2, 0]
