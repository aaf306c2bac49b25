import numpy as np
import pytest

from models.masks import components, holes
from models.metrics import iou
from models.regions import Region, overlaps
from scripts.mask_noise import KINDS, damaged
from scripts.postprocess_runs import mean_dice
from tests.fakes.shapes import SIZE_HW, box, disc, region_of

TRUTH = [region_of(disc(40, 30, 18)), region_of(disc(40, 75, 15))]
TOUCHING = [region_of(box(20, 20, 50, 50)), region_of(box(20, 51, 50, 80)), region_of(box(60, 20, 70, 40))]


def harmed(kind: str, truth: list[Region] = TRUTH, seed: int = 0) -> list[Region]:
    return damaged(truth, SIZE_HW, kind, (seed,))


@pytest.mark.parametrize("kind", KINDS)
def test_damage_is_the_same_for_the_same_seed_lies_in_the_picture_and_keeps_the_truth(kind: str) -> None:
    before = [region.mask.copy() for region in TRUTH]
    first, again = harmed(kind), harmed(kind)
    for one, two in zip(first, again, strict=True):
        assert one.box == two.box
        assert np.array_equal(one.mask, two.mask)
        assert one.box[0] >= 0 <= one.box[1]
        assert one.box[2] <= SIZE_HW[0] and one.box[3] <= SIZE_HW[1]
    assert all(np.array_equal(region.mask, mask) for region, mask in zip(TRUTH, before, strict=True))


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"clean", "merged"}))
def test_another_seed_is_another_damage_that_leaves_most_of_each_object(kind: str) -> None:
    scores = [mean_dice(TRUTH, harmed(kind, seed=seed)) for seed in range(4)]
    assert len(set(scores)) > 1
    assert all(0.75 < score < 1 for score in scores)


def test_clean_is_the_truth() -> None:
    assert mean_dice(TRUTH, harmed("clean")) == 1


def test_crumbs_are_pieces_beside_the_object_and_holes_inside() -> None:
    for region, true in zip(harmed("crumbs"), TRUTH, strict=True):
        assert region.full_mask(SIZE_HW)[true.full_mask(SIZE_HW)].all()
        assert len(components(region.mask)[1]) > 2
    for region, true in zip(harmed("holes"), TRUTH, strict=True):
        assert not (region.full_mask(SIZE_HW) & ~true.full_mask(SIZE_HW)).any()
        assert len(holes(region.mask)[1]) > 1


def test_a_jagged_outline_is_longer() -> None:
    for region, true in zip(harmed("jagged"), TRUTH, strict=True):
        assert length(region) > 1.2 * length(true)


def length(region: Region) -> int:
    padded = np.pad(region.mask, 1).astype(int)
    return int(np.abs(np.diff(padded, axis=0)).sum() + np.abs(np.diff(padded, axis=1)).sum())


def test_neighbours_of_one_class_are_merged_and_others_are_not() -> None:
    merged, alone = harmed("merged", TOUCHING)
    assert merged.area >= TOUCHING[0].area + TOUCHING[1].area
    assert overlaps([alone], TOUCHING).max() == 1


def test_dice_counts_the_best_region_of_the_same_class() -> None:
    half = region_of(disc(40, 30, 18) & box(0, 0, 80, 30))
    assert mean_dice(TRUTH, [half]) == pytest.approx(iou_to_dice(half, TRUTH[0]) / 2)
    assert mean_dice(TRUTH, [region_of(disc(40, 30, 18), "other")]) == 0
    assert mean_dice(TRUTH, []) == 0


def iou_to_dice(one: Region, two: Region) -> float:
    overlap = iou(one.full_mask(SIZE_HW), two.full_mask(SIZE_HW))
    return 2 * overlap / (1 + overlap)
