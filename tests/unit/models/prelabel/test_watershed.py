import numpy as np
import pytest
from skimage import data

from models.arrays import Image, Mask
from models.metrics import iou
from models.prelabel.watershed import Watershed

ROWS, COLUMNS = np.mgrid[:200, :300]


def disc(row: float, column: float, radius: float) -> Mask:
    return np.asarray(np.hypot(ROWS - row, COLUMNS - column) < radius)


def painted(mask: Mask) -> Image:
    return np.where(mask[:, :, None], np.uint8(200), np.uint8(40)).repeat(3, axis=2)


def test_touching_discs_are_divided_at_the_neck() -> None:
    left, right = disc(100, 100, 40), disc(100, 170, 40)
    regions = Watershed().predict(painted(left | right)).regions

    assert len(regions) == 2
    for region, truth in zip(sorted(regions, key=lambda region: region.left), (left, right), strict=True):
        assert iou(region.full_mask((200, 300)), truth) > 0.95
        assert region.class_name == "object"


def test_objects_of_very_different_sizes_are_divided_by_the_same_rule() -> None:
    mask = disc(100, 100, 60) | disc(100, 170, 12) | disc(30, 250, 8) | disc(30, 265, 8)

    assert len(Watershed(min_share=0).predict(painted(mask)).regions) == 4


def test_an_ellipse_is_one_object() -> None:
    ellipse = np.hypot((ROWS - 100) / 30, (COLUMNS - 150) / 110) < 1

    assert len(Watershed().predict(painted(ellipse)).regions) == 1


def test_a_ring_is_one_filled_object() -> None:
    (region,) = Watershed().predict(painted(disc(100, 150, 60) & ~disc(100, 150, 40))).regions

    assert iou(region.full_mask((200, 300)), disc(100, 150, 60)) > 0.97


def test_crumbs_are_dropped_and_a_lonely_crumb_is_kept() -> None:
    crumb = disc(20, 20, 2)

    assert len(Watershed().predict(painted(disc(100, 150, 60) | crumb)).regions) == 1
    assert len(Watershed().predict(painted(crumb)).regions) == 1


def test_the_coins_are_counted() -> None:
    coins = data.coins()[:, :, None].repeat(3, axis=2)
    regions = Watershed().predict(coins).regions

    assert 23 <= len(regions) <= 25
    assert all(800 < region.area < 4000 for region in regions)


def test_the_cell_is_found() -> None:
    (cell,) = Watershed().predict(data.cell()[:, :, None].repeat(3, axis=2)).regions

    assert cell.area > 5000


def test_a_large_picture_is_divided_like_a_small_one_with_full_outlines() -> None:
    mask = disc(100, 100, 40) | disc(100, 170, 40)
    coarse = Watershed(max_side=75).predict(painted(mask)).regions
    fine = Watershed().predict(painted(mask)).regions

    assert len(coarse) == len(fine) == 2
    together = np.zeros(mask.shape, dtype=bool)
    for region in coarse:
        together |= region.full_mask((200, 300))
    assert iou(together, mask) > 0.99


@pytest.mark.parametrize(("neck", "count"), [(0.3, 1), (0.95, 2)])
def test_the_neck_decides(neck: float, count: int) -> None:
    mask = disc(100, 100, 40) | disc(100, 160, 40)

    assert len(Watershed(neck=neck).predict(painted(mask)).regions) == count
