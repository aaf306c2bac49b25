"""Synthetic motion: textured discs on a textured ground, moved by known amounts."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from models.arrays import Image, Mask
from models.errors import ImageError
from models.prelabel.propagation import propagate
from models.regions import Region

SIZE = 256


def texture(height: int, width: int, seed: int) -> NDArray[np.float32]:
    noise = np.random.default_rng(seed).normal(0, 1, (height, width)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 3)
    return np.asarray(smooth / smooth.std() * 25, dtype=np.float32)


def disc(row: float, column: float, radius: float, size: int = SIZE) -> Mask:
    rows, columns = np.ogrid[:size, :size]
    return np.asarray((rows - row) ** 2 + (columns - column) ** 2 <= radius**2)


def frame(move: NDArray[np.float64], mask: Mask) -> Image:
    """A still ground, with a textured object that an affine (x, y) motion has moved to the mask."""
    ground = 80 + texture(SIZE, SIZE, 0)
    painted = cv2.warpAffine(170 + texture(SIZE, SIZE, 1), move, (SIZE, SIZE), borderMode=cv2.BORDER_REFLECT)
    grey = np.where(mask, painted, ground).clip(0, 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


STILL = np.array([[1.0, 0, 0], [0, 1, 0]])
START = disc(120, 110, 40)


def region(mask: Mask, name: str = "cell") -> Region:
    found = Region.from_mask(mask, name)
    assert found is not None
    return found


def iou(one: Region, mask: Mask) -> float:
    other = one.full_mask((mask.shape[0], mask.shape[1]))
    return float((other & mask).sum() / (other | mask).sum())


def test_a_still_picture_leaves_regions_as_they_are() -> None:
    image = frame(STILL, START)
    (moved,) = propagate([region(START)], image, image)
    assert np.array_equal(moved.full_mask((SIZE, SIZE)), START)
    assert (moved.class_name, moved.score) == ("cell", 1.0)


@pytest.mark.parametrize(("down", "right"), [(0, 7), (-12, 5), (15, 15), (3.5, -8.5)])
def test_a_moved_object_takes_its_region_along(down: float, right: float) -> None:
    target = disc(120 + down, 110 + right, 40)
    move = np.array([[1.0, 0, right], [0, 1, down]])
    (moved,) = propagate([region(START)], frame(STILL, START), frame(move, target))
    assert iou(moved, target) > 0.93
    assert iou(moved, target) > iou(region(START), target)
    assert moved.score > 0.9


@pytest.mark.parametrize("factor", [0.85, 1.2])
def test_an_object_that_grows_or_shrinks_changes_its_region(factor: float) -> None:
    target = disc(120, 110, 40 * factor)
    move = np.array([[factor, 0, 110 * (1 - factor)], [0, factor, 120 * (1 - factor)]])
    (moved,) = propagate([region(START)], frame(STILL, START), frame(move, target))
    assert iou(moved, target) > 0.93
    assert moved.area == pytest.approx(target.sum(), rel=0.06)


def test_holes_and_other_regions_move_on_their_own() -> None:
    ring = START & ~disc(120, 110, 15)
    other = disc(200, 200, 20)
    target = disc(126, 116, 40)
    moved = propagate(
        [region(ring, "ring"), region(other, "still")],
        frame(STILL, START),
        frame(np.array([[1.0, 0, 6], [0, 1, 6]]), target),
    )
    assert [each.class_name for each in moved] == ["ring", "still"]
    assert iou(moved[0], target & ~disc(126, 116, 15)) > 0.9
    assert iou(moved[1], other) > 0.97


def test_an_object_that_is_covered_is_less_sure_than_one_that_is_seen() -> None:
    gone = frame(STILL, np.zeros((SIZE, SIZE), dtype=bool))
    start = frame(STILL, START)
    scores = [each.score for each in propagate([region(START)], start, gone)]
    (seen,) = propagate([region(START)], start, start)
    assert max(scores, default=0.0) < seen.score - 0.2


def test_an_object_that_leaves_the_picture_leaves_no_region_behind() -> None:
    ground = np.repeat(
        (120 + texture(SIZE, SIZE + 60, 3)).clip(0, 255).astype(np.uint8)[..., None], 3, axis=2
    )
    at_the_edge = np.zeros((SIZE, SIZE), dtype=bool)
    at_the_edge[100:130, :12] = True
    middle = disc(120, 150, 20)
    old, new = (np.ascontiguousarray(ground[:, shift : shift + SIZE]) for shift in (0, 25))
    moved = propagate([region(at_the_edge, "edge"), region(middle, "middle")], old, new)
    assert moved[-1].class_name == "middle"
    assert iou(moved[-1], disc(120, 125, 20)) > 0.93
    assert sum(each.area for each in moved[:-1]) < 0.3 * at_the_edge.sum()


def test_large_pictures_are_followed_at_a_smaller_size() -> None:
    scale = 5
    old, new = frame(STILL, START), frame(np.array([[1.0, 0, 9], [0, 1, -6]]), disc(114, 119, 40))
    large_old, large_new = (cv2.resize(each, None, fx=scale, fy=scale) for each in (old, new))
    start = np.kron(START, np.ones((scale, scale), dtype=bool))
    target = np.kron(disc(114, 119, 40), np.ones((scale, scale), dtype=bool))
    (moved,) = propagate([region(start)], np.asarray(large_old), np.asarray(large_new), side=256)
    assert iou(moved, target) > 0.93


def test_a_large_still_picture_loses_no_pixel_at_its_edges() -> None:
    image = np.repeat((120 + texture(700, 900, 5)).clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)
    mask = np.zeros((700, 900), dtype=bool)
    mask[:51, 850:] = mask[690:, :33] = True
    (moved,) = propagate([region(mask)], image, image, side=100)
    assert np.array_equal(moved.full_mask((700, 900)), mask)


@pytest.mark.parametrize("size_hw", [(1, 1), (1, 300), (300, 3), (31, 33), (8, 8)])
def test_the_smallest_pictures_work(size_hw: tuple[int, int]) -> None:
    image = np.full((*size_hw, 3), 90, np.uint8)
    (moved,) = propagate([region(np.ones(size_hw, dtype=bool))], image, image)
    assert moved.full_mask(size_hw).all()


def test_nothing_is_changed_and_the_answer_is_always_the_same() -> None:
    old, new = frame(STILL, START), frame(np.array([[1.0, 0, 6], [0, 1, 6]]), disc(126, 116, 40))
    kept = old.copy(), new.copy(), START.copy()
    original = region(START)
    first, second = (propagate([original], old, new) for _ in range(2))
    assert np.array_equal(first[0].mask, second[0].mask)
    assert (first[0].box, first[0].score) == (second[0].box, second[0].score)
    assert np.array_equal(old, kept[0])
    assert np.array_equal(new, kept[1])
    assert np.array_equal(original.full_mask((SIZE, SIZE)), kept[2])


def test_no_regions_need_no_motion() -> None:
    assert propagate([], frame(STILL, START), frame(STILL, START)) == ()


def test_frames_of_different_sizes_are_refused() -> None:
    with pytest.raises(ImageError, match="256 x 256 pixels to one of 200 x 100"):
        propagate([region(START)], frame(STILL, START), np.zeros((100, 200, 3), np.uint8))
