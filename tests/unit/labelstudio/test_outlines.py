import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage

from backend.labelstudio.geometry import inside_outlines
from backend.labelstudio.outlines import Outlines, outline
from models.arrays import Mask
from tests.unit.labelstudio.shapes import blob, block, disc, hard_masks, iou, line, region_of, size_of


def outlined(mask: Mask, min_iou: float = 0.99, max_points: int = 1000) -> Outlines:
    return outline(region_of(mask), min_iou=min_iou, max_points=max_points)


def drawn(outlines: Outlines, mask: Mask) -> Mask:
    filled = np.zeros_like(mask)
    for polygon in outlines.polygons_xy:
        filled |= inside_outlines([polygon], size_of(mask))
    return filled


def n_points(outlines: Outlines) -> int:
    return sum(len(polygon) for polygon in outlines.polygons_xy)


@pytest.mark.parametrize("min_iou", [0.9, 0.99, 1.0])
@pytest.mark.parametrize("name", hard_masks())
def test_filled_outlines_lose_no_more_than_allowed(name: str, min_iou: float) -> None:
    mask = hard_masks()[name]
    outlines = outlined(mask, min_iou, max_points=100_000)
    assert outlines.iou >= min_iou
    assert iou(drawn(outlines, mask), mask) == pytest.approx(outlines.iou)


@given(arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=14)).filter(np.any))
@settings(max_examples=60, deadline=None)
def test_any_mask_can_be_kept_exactly(mask: Mask) -> None:
    outlines = outlined(mask, min_iou=1.0, max_points=100_000)
    np.testing.assert_array_equal(drawn(outlines, mask), mask)
    assert outlines.iou == 1.0


@pytest.mark.parametrize("name", hard_masks())
def test_each_separate_part_becomes_one_outline(name: str) -> None:
    mask = hard_masks()[name]
    _, n_parts = ndimage.label(mask, np.ones((3, 3)))
    assert len(outlined(mask, max_points=100_000).polygons_xy) == n_parts


@pytest.mark.parametrize("name", [name for name in hard_masks() if "hole" in name.split()])
def test_holes_stay_empty(name: str) -> None:
    mask = hard_masks()[name]
    # an enclosed hole that reaches no border, by an independent implementation
    holes = ndimage.binary_fill_holes(mask) & ~mask
    assert holes.any()
    kept = np.count_nonzero(holes & ~drawn(outlined(mask), mask))
    assert kept >= 0.9 * np.count_nonzero(holes)


def test_a_rectangle_takes_its_four_corners() -> None:
    (polygon,) = outlined(block((20, 30), slice(3, 9), slice(5, 25))).polygons_xy
    assert sorted(polygon.tolist()) == [[5, 3], [5, 9], [25, 3], [25, 9]]


def test_the_whole_picture_reaches_its_edges() -> None:
    (polygon,) = outlined(np.ones((13, 29), dtype=bool)).polygons_xy
    assert polygon.min(axis=0).tolist() == [0, 0]
    assert polygon.max(axis=0).tolist() == [29, 13]


def test_the_outline_of_a_disc_is_as_wide_as_the_disc() -> None:
    (polygon,) = outlined(disc(400, 150), min_iou=0.999).polygons_xy
    np.testing.assert_allclose(polygon.max(axis=0) - polygon.min(axis=0), 300, atol=1)


@pytest.mark.parametrize(
    ("mask", "enough"),
    [
        (disc(400, 150), 40),
        (line(300, (20, 40), (270, 200), 9), 12),
        (block((200, 200), slice(20, 150), slice(30, 170)) & ~disc(200, 20), 30),
    ],
)
def test_few_points_are_enough_for_simple_shapes(mask: Mask, enough: int) -> None:
    assert n_points(outlined(mask)) <= enough


def test_a_stricter_overlap_never_takes_fewer_points() -> None:
    mask = blob(3)
    counts = [n_points(outlined(mask, min_iou, 100_000)) for min_iou in (0.8, 0.95, 0.99, 0.999)]
    assert counts == sorted(counts)


@pytest.mark.parametrize("max_points", [6, 20, 100, 500])
@pytest.mark.parametrize(
    "name", ["blobs", "fine blobs", "disc with three holes", "disc", "thin slanted line"]
)
def test_the_largest_number_of_points_is_never_exceeded(name: str, max_points: int) -> None:
    mask = hard_masks()[name]
    outlines = outlined(mask, max_points=max_points)
    assert 3 <= n_points(outlines) <= max_points
    assert all(len(polygon) >= 3 for polygon in outlines.polygons_xy)
    assert iou(drawn(outlines, mask), mask) == pytest.approx(outlines.iou)


def test_noise_is_cut_down_to_its_largest_parts() -> None:
    mask = np.random.default_rng(0).random((300, 300)) < 0.05
    mask |= disc(300, 60)
    outlines = outlined(mask, max_points=300)
    assert n_points(outlines) <= 300
    assert drawn(outlines, mask)[disc(300, 50)].all()


def test_too_many_holes_are_filled_smallest_first() -> None:
    mask = disc(300, 140) & ~disc(300, 40)
    mask &= ~(np.random.default_rng(0).random((300, 300)) < 0.01)
    filled = drawn(outlined(mask, max_points=24), mask)
    assert not filled[disc(300, 35)].any()
    assert filled[disc(300, 130) & ~disc(300, 45)].mean() > 0.98


@given(st.integers(0, 1000))
@settings(max_examples=15, deadline=None)
def test_blobs_of_all_kinds_keep_their_overlap(seed: int) -> None:
    mask = blob(seed, size=90, smoothness=1 + seed % 7)
    assert outlined(mask, max_points=100_000).iou >= 0.99


def test_tall_objects_keep_their_overlap_although_only_some_rows_are_searched() -> None:
    mask = disc(1500, 700) & ~disc(1500, 300)
    outlines = outlined(mask)
    assert iou(drawn(outlines, mask), mask) >= 0.99
    assert n_points(outlines) < 100
