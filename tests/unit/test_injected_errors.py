"""Faults that are put into annotations."""

import numpy as np
import pytest
from numpy.typing import NDArray

from models.regions import Region
from scripts.injected_errors import FAULTS, Scene, make_faulty
from tests.fakes.inspected import SIZE_HW, disc


def scene() -> Scene:
    places = ((25, 25, 15, "cell"), (65, 30, 13, "cell"), (45, 90, 14, "grain"))
    regions = [Region.from_mask(disc(row, column, radius), name) for row, column, radius, name in places]
    elsewhere = Region.from_mask(disc(60, 70, 20), "cell")
    assert elsewhere is not None
    return Scene(tuple(each for each in regions if each), SIZE_HW, ("cell", "grain"), ((elsewhere,), SIZE_HW))


def label_map(regions: tuple[Region, ...]) -> NDArray[np.int64]:
    canvas = np.zeros(SIZE_HW, dtype=np.int64)
    for region in regions:
        region.paint(canvas, 1 + ("cell", "grain").index(region.class_name))
    return canvas


@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize("seed", range(5))
def test_each_fault_changes_what_is_drawn_and_leaves_the_scene_alone(kind: str, seed: int) -> None:
    before = scene()
    made = make_faulty(before, [kind], np.random.default_rng(seed))
    assert made is not None
    name, changed = made
    assert name == kind
    difference = label_map(changed) != label_map(before.regions)
    assert difference.sum() >= 4
    assert np.array_equal(label_map(before.regions), label_map(scene().regions))


def test_the_same_seed_gives_the_same_fault() -> None:
    one, other = (make_faulty(scene(), list(FAULTS), np.random.default_rng(7)) for _ in range(2))
    assert one is not None and other is not None
    assert one[0] == other[0]
    assert np.array_equal(label_map(one[1]), label_map(other[1]))


def test_what_is_impossible_is_not_done() -> None:
    one_class = Scene(scene().regions, SIZE_HW, ("cell",), scene().elsewhere)
    only_cells = Scene(one_class.regions[:2], SIZE_HW, ("cell",), one_class.elsewhere)
    assert make_faulty(only_cells, ["swapped label"], np.random.default_rng(0)) is None
    assert (
        make_faulty(Scene((), SIZE_HW, ("cell",), ((), SIZE_HW)), list(FAULTS), np.random.default_rng(0))
        is None
    )
