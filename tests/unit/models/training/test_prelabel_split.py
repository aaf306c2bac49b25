import hashlib

from hypothesis import given
from hypothesis import strategies as st

from models.training.examples import Example
from models.training.prelabel_split import fold_of, split

GROUPS = st.lists(st.text("abcdefgh", min_size=1, max_size=3), min_size=1, max_size=40)


def examples(groups: list[str]) -> list[Example]:
    def nothing() -> None:
        raise AssertionError("a split needs no pictures")

    return [
        Example(f"{group}/{number}", group, nothing, (), {})  # type: ignore[arg-type]
        for number, group in enumerate(groups)
    ]


def own_groups(count: int) -> list[Example]:
    return examples([hashlib.sha256(bytes([number])).hexdigest() for number in range(count)])


@given(GROUPS, GROUPS)
def test_an_example_stays_on_its_side_when_others_are_added(groups: list[str], more: list[str]) -> None:
    before, after = split(examples(groups)), split(examples(groups + more))
    if before[1] and after[1]:
        side = {each.key: number for number, part in enumerate(after) for each in part}

        assert all(side[each.key] == 0 for each in before[0])
        assert all(side[each.key] == 1 for each in before[1])


@given(GROUPS)
def test_nothing_is_lost_and_groups_stay_on_one_side(groups: list[str]) -> None:
    everything = examples(groups)
    learned, held_out = split(everything)

    assert sorted(each.key for each in learned + held_out) == sorted(each.key for each in everything)
    assert not {each.group for each in learned} & {each.group for each in held_out}
    assert len(learned) >= len(held_out)
    assert len(held_out) != 1


def test_about_one_in_five_is_held_out() -> None:
    learned, held_out = split(own_groups(250))

    assert 0.14 < len(held_out) / (len(held_out) + len(learned)) < 0.26


def test_of_few_examples_none_is_held_out() -> None:
    for count in range(8):
        learned, held_out = split(own_groups(count))
        assert (len(learned), held_out) == (count, [])


def test_of_a_single_group_none_is_held_out() -> None:
    assert split(examples(["sequence"] * 30))[1] == []


@given(GROUPS, st.integers(1, 4))
def test_groups_do_not_straddle_folds(groups: list[str], n_folds: int) -> None:
    folds = fold_of(groups, n_folds)

    assert len(folds) == len(groups)
    assert set(folds) <= set(range(n_folds))
    if len(set(groups)) >= n_folds:
        assert len(set(zip(groups, folds, strict=True))) == len(set(groups))
        assert set(folds) == set(range(n_folds))


@given(GROUPS)
def test_folds_differ_by_no_more_than_the_largest_group(groups: list[str]) -> None:
    folds = fold_of(groups, 2)

    assert abs(folds.count(0) - folds.count(1)) <= max(groups.count(name) for name in groups)


def test_examples_of_a_single_group_are_spread_singly() -> None:
    assert fold_of(["sequence"] * 5, 2) == [0, 1, 0, 1, 0]
