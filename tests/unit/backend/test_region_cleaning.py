import numpy as np
import pytest

from backend.services.region_cleaning import clean_regions, largest_change
from models.chain_text import build_chain
from models.postprocess import POST_PROCESSORS
from tests.fakes.shapes import PLAIN, SIZE_HW, box, disc, region_of

WHOLE, CRUMB, HOLE = disc(40, 50, 20), box(5, 5, 7, 8), box(40, 50, 42, 52)


def test_each_object_says_what_every_step_did_to_it() -> None:
    regions = [region_of(WHOLE & ~HOLE | CRUMB), region_of(disc(40, 85, 8))]
    chain = build_chain(POST_PROCESSORS, "fill-holes,drop-fragments")
    (first, second), changes = clean_regions(regions, PLAIN, chain)

    assert first.notes == (
        "fill-holes: 4 px added in 1 place",
        "drop-fragments: 6 px removed in 1 place",
    )
    assert np.array_equal(first.region.full_mask(SIZE_HW), WHOLE)
    assert (second.source, second.notes) == (1, ())
    assert [(each.step, each.changed, each.added, each.removed) for each in changes] == [
        ("fill-holes", 1, 4, 0),
        ("drop-fragments", 1, 0, 6),
    ]


def test_changes_are_counted_by_class() -> None:
    regions = [region_of(WHOLE | CRUMB, "cell"), region_of(disc(40, 85, 8), "speck")]
    _, changes = clean_regions(regions, PLAIN, build_chain(POST_PROCESSORS, "drop-fragments"))
    assert [(each.class_name, each.before, each.changed) for each in changes] == [
        ("cell", 1, 1),
        ("speck", 1, 0),
    ]
    assert changes[0].iou == pytest.approx(WHOLE.sum() / (WHOLE.sum() + 6))
    assert changes[1].iou == 1


def test_parts_and_joined_objects_know_where_they_came_from() -> None:
    touching = region_of(disc(40, 28, 15) | disc(40, 55, 14))
    parts, (split,) = clean_regions([touching], PLAIN, build_chain(POST_PROCESSORS, "split-touching"))
    assert [(each.source, each.notes) for each in parts] == [(0, ("split-touching: one of 2 parts",))] * 2
    assert (split.before, split.after, split.changed, split.added, split.removed) == (1, 2, 1, 0, 0)

    small, large = region_of(box(30, 42, 50, 50)), region_of(box(30, 20, 50, 40))
    (joined,), _ = clean_regions([small, large], PLAIN, build_chain(POST_PROCESSORS, "merge-close"))
    assert (joined.source, joined.notes) == (1, ("merge-close: joined with 1 more",))


def test_the_largest_change_is_that_of_the_object_of_which_least_is_left() -> None:
    regions = [region_of(WHOLE), region_of(box(0, 0, 2, 5))]
    chain = build_chain(POST_PROCESSORS, "drop-fragments")
    same, _ = clean_regions(regions, PLAIN, chain)
    assert largest_change(regions, same) == 0
    assert largest_change(regions, same[:1]) == 1
    assert largest_change([], []) == 0


def test_without_objects_or_steps_there_is_nothing_to_say() -> None:
    assert clean_regions([], PLAIN, build_chain(POST_PROCESSORS, "fill-holes")) == ([], [])
    (kept,), changes = clean_regions([region_of(WHOLE)], PLAIN, [])
    assert (kept.source, kept.notes, changes) == (0, (), [])
