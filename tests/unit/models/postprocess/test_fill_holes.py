import numpy as np

from models.arrays import Mask
from models.postprocess.fill_holes import FillHoles
from models.prompts import Click
from models.regions import Region

IMAGE = np.zeros((40, 40, 3), dtype=np.uint8)


def holed_square(hole: int) -> Mask:
    """A square of 20 pixels, at row and column 5, with a square hole in its middle."""
    mask = np.zeros((40, 40), dtype=bool)
    mask[5:25, 5:25] = True
    start = 15 - hole // 2
    mask[start : start + hole, start : start + hole] = False
    return mask


def region_of(mask: Mask) -> Region:
    region = Region.from_mask(mask, "thing", 0.7)
    assert region is not None
    return region


def filled(mask: Mask, *clicks: Click, max_share: float = 0.1) -> Mask:
    (region,) = FillHoles(max_share=max_share).process([region_of(mask)], IMAGE, clicks)
    return region.full_mask((40, 40))


def test_a_small_hole_is_filled() -> None:
    assert np.array_equal(filled(holed_square(4)), holed_square(0))


def test_a_large_hole_is_meant_and_stays() -> None:
    assert np.array_equal(filled(holed_square(10)), holed_square(10))


def test_the_share_is_of_the_area_inside_the_outline() -> None:
    # 36 pixels of hole in a square of 400 pixels.
    assert filled(holed_square(6), max_share=0.091)[15, 15]
    assert not filled(holed_square(6), max_share=0.089)[15, 15]


def test_a_hole_with_a_negative_click_stays() -> None:
    assert np.array_equal(filled(holed_square(4), Click(14, 14, positive=False)), holed_square(4))


def test_other_clicks_do_not_keep_a_hole_open() -> None:
    clicks = (Click(14, 14), Click(30, 30, positive=False), Click(6, 6, positive=False))

    assert np.array_equal(filled(holed_square(4), *clicks), holed_square(0))


def test_a_hole_that_another_region_uses_stays() -> None:
    nucleus = np.zeros((40, 40), dtype=bool)
    nucleus[14, 14] = True
    ring, inner = FillHoles().process([region_of(holed_square(4)), region_of(nucleus)], IMAGE)

    assert np.array_equal(ring.full_mask((40, 40)), holed_square(4))
    assert np.array_equal(inner.full_mask((40, 40)), nucleus)


def test_a_bay_that_opens_to_the_crops_border_is_no_hole() -> None:
    mask = holed_square(0)
    mask[5:10, 14:16] = False

    assert np.array_equal(filled(mask), mask)
