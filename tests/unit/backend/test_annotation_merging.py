from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.services.annotation_merging import merged_answers, merged_regions
from models.arrays import Mask
from models.label_schema import Question
from models.regions import Region

SIZE = (40, 60)
Slot = int
"""Objects lie in slots of 10 x 10 pixels, so that those of two slots never touch."""


def block(top: int, left: int, height: int = 8, width: int = 8, class_name: str = "cell") -> Region:
    return Region(np.ones((height, width), dtype=bool), top, left, class_name)


def in_slot(slot: Slot, shift: int = 0, class_name: str = "cell") -> Region:
    return block(10 * (slot // 6), 10 * (slot % 6) + shift, class_name=class_name)


def painted(regions: tuple[Region, ...] | list[Region]) -> Mask:
    full = np.zeros(SIZE, dtype=bool)
    for region in regions:
        full |= region.full_mask(SIZE)
    return full


def places(regions: tuple[Region, ...]) -> list[tuple[int, int, str]]:
    return [(region.top, region.left, region.class_name) for region in regions]


def test_one_opinion_is_returned_as_it_is() -> None:
    drawn = [block(0, 0), block(0, 1), block(20, 20, class_name="debris")]
    assert merged_regions([drawn]) == tuple(drawn)


def test_of_two_people_the_newest_statement_counts() -> None:
    newest, oldest = [in_slot(0), in_slot(1, shift=1)], [in_slot(1), in_slot(2)]
    assert places(merged_regions([newest, oldest])) == places(tuple(newest))
    assert merged_regions([[], oldest]) == ()


def test_an_object_that_the_newest_lacks_is_there_if_most_drew_it() -> None:
    assert places(merged_regions([[], [in_slot(3)], [in_slot(3)]])) == [(0, 30, "cell")]


def test_half_of_the_people_suffice_only_with_the_newest() -> None:
    drawn = [in_slot(3)]
    assert len(merged_regions([drawn, [], [], drawn])) == 1
    assert merged_regions([[], drawn, [], drawn]) == ()


def test_each_pixel_goes_to_the_majority_of_those_who_drew_the_object() -> None:
    three = [[block(10, 10)], [block(10, 11)], [block(11, 10)]]
    (region,) = merged_regions(three)
    votes = np.sum([painted(each) for each in three], axis=0)
    assert np.array_equal(region.full_mask(SIZE), votes >= 2)


def test_objects_of_other_classes_are_other_objects() -> None:
    one, other = in_slot(0), in_slot(0, class_name="debris")
    assert places(merged_regions([[one], [other], [other]])) == [(0, 0, "debris")]


def test_objects_that_overlap_too_little_are_other_objects() -> None:
    assert merged_regions([[block(0, 0)], [block(0, 4)], [block(0, 9)]]) == ()


def test_touching_objects_find_their_own_partners() -> None:
    left, right = block(0, 0), block(0, 8)
    merged = merged_regions([[left, right], [right, left], [right, left]])
    assert places(merged) == [(0, 0, "cell"), (0, 8, "cell")]


OPINIONS = st.lists(
    st.dictionaries(st.integers(0, 23), st.tuples(st.integers(0, 2), st.sampled_from("ab")), max_size=8),
    min_size=1,
    max_size=5,
)
"""Each person's objects: by slot the shift, of at most a quarter of the object, and the class."""


@given(OPINIONS)
def test_the_majority_of_each_slot_and_each_pixel_decides(
    opinions: list[dict[Slot, tuple[int, str]]],
) -> None:
    drawn = [[in_slot(slot, *each) for slot, each in opinion.items()] for opinion in opinions]
    merged = merged_regions(drawn)
    expected = set()
    for slot, name in {(slot, each[1]) for opinion in opinions for slot, each in opinion.items()}:
        voters = [n for n, opinion in enumerate(opinions) if opinion.get(slot, (0, ""))[1] == name]
        if 2 * len(voters) > len(opinions) or (2 * len(voters) == len(opinions) and 0 in voters):
            expected.add((slot, name))
            (found,) = (r for r in merged if r.class_name == name and slot_of(r) == slot)
            votes = np.sum([in_slot(slot, *opinions[n][slot]).full_mask(SIZE) for n in voters], axis=0)
            newest = in_slot(slot, *opinions[voters[0]][slot]).full_mask(SIZE)
            inside = (2 * votes > len(voters)) | ((2 * votes == len(voters)) & newest)
            assert np.array_equal(found.full_mask(SIZE), inside)
    assert {(slot_of(region), region.class_name) for region in merged} == expected
    assert len(merged) == len(expected)


def slot_of(region: Region) -> Slot:
    return 6 * (region.top // 10) + region.left // 10


@given(OPINIONS.filter(bool), st.integers(1, 4))
def test_people_who_agree_with_the_newest_change_nothing(
    opinions: list[dict[Slot, tuple[int, str]]], copies: int
) -> None:
    newest = [in_slot(slot, *each) for slot, each in opinions[0].items()]
    merged = merged_regions([newest] * (copies + 1))
    assert places(merged) == places(tuple(newest))
    assert np.array_equal(painted(merged), painted(newest))


FOCUS = Question("focus", ("sharp", "soft", "blurred"))
DEFECTS = Question("defects", ("dark", "noisy", "cropped"), multiple=True)


@pytest.mark.parametrize(
    ("given_answers", "expected"),
    [
        ([("sharp",)], ("sharp",)),
        ([("sharp",), ("soft",)], ("sharp",)),
        ([("sharp",), ("soft",), ("soft",)], ("soft",)),
        ([None, ("soft",), ("sharp",), ("sharp",)], ("sharp",)),
        ([None, ("soft",), ("sharp",)], ("soft",)),
        ([None, None], None),
    ],
)
def test_most_people_decide_on_the_one_answer(
    given_answers: list[tuple[str, ...] | None], expected: tuple[str, ...] | None
) -> None:
    opinions = [{} if each is None else {"focus": each} for each in given_answers]
    assert merged_answers(opinions, [FOCUS]).get("focus") == expected


@pytest.mark.parametrize(
    ("given_answers", "expected"),
    [
        ([("noisy", "dark")], ("dark", "noisy")),
        ([("dark",), ("dark", "noisy")], ("dark",)),
        ([("dark",), ("noisy", "cropped"), ("cropped",)], ("cropped",)),
        ([("dark",), ("noisy",), ("cropped",)], ("dark",)),
        ([(), ("dark",)], ()),
        ([("dark",), ()], ("dark",)),
        ([("dark",), (), ()], ()),
        ([(), ("dark", "noisy"), ("dark",)], ("dark",)),
    ],
)
def test_of_several_answers_each_needs_a_majority(
    given_answers: list[tuple[str, ...]], expected: tuple[str, ...]
) -> None:
    assert merged_answers([{"defects": each} for each in given_answers], [FOCUS, DEFECTS]) == {
        "defects": expected
    }
