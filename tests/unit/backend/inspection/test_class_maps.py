"""Where the objects of each class are, roughly."""

import json

import numpy as np
import pytest

from backend.inspection.class_maps import class_maps, difference, packed, unpacked
from tests.fakes.inspected import SIZE_HW, clean_subject, disc, drawn


def test_maps_say_how_much_of_each_place_is_covered() -> None:
    half = np.zeros((8, 8), dtype=bool)
    half[:, :3] = True
    maps = class_maps((drawn(half),), (8, 8), 4)
    assert maps.keys() == {"cell"}
    assert maps["cell"].tolist() == [[1, 0.5, 0, 0]] * 4


def test_objects_of_a_class_on_each_other_count_once() -> None:
    twice = (drawn(disc(40, 40, 14)), drawn(disc(40, 40, 14), number=1))
    once = class_maps(twice[:1], SIZE_HW, 8)["cell"]
    assert class_maps(twice, SIZE_HW, 8)["cell"] == pytest.approx(np.minimum(2 * once, 1))


def test_maps_survive_being_stored() -> None:
    subject = clean_subject(1)
    maps = class_maps(subject.objects, subject.size_hw, 8)
    again = unpacked(json.loads(json.dumps(packed(maps))), 8)
    assert again.keys() == maps.keys()
    for name in maps:
        assert again[name] == pytest.approx(maps[name], abs=1 / 255)


def test_the_difference_is_one_minus_dice_over_all_classes() -> None:
    one = {"cell": np.array([[1.0, 0.0]], dtype=np.float32)}
    other = {"cell": np.array([[0.5, 0.5]], dtype=np.float32)}
    renamed = {"grain": one["cell"]}
    assert difference(one, one) == 0
    assert difference(one, other) == pytest.approx(0.5)
    assert difference(one, renamed) == 1
    assert difference(one, {}) == 1
    assert difference({}, {}) == 0
