import numpy as np
import pytest

from models.arrays import Mask
from models.postprocess.drop_fragments import DropFragments
from models.prompts import Click


def drawn() -> Mask:
    """Components of 100, 30, 6, 4 and 1 pixels."""
    mask = np.zeros((30, 30), dtype=bool)
    mask[0:10, 0:10] = True
    mask[15:20, 0:6] = True
    mask[0:2, 20:23] = True
    mask[10:12, 20:22] = True
    mask[29, 29] = True
    return mask


def sizes(mask: Mask) -> list[int]:
    corners = [(0, 0), (15, 0), (0, 20), (10, 20), (29, 29)]
    areas = [100, 30, 6, 4, 1]
    kept = [area for area, corner in zip(areas, corners, strict=True) if mask[corner]]
    assert sum(kept) == np.count_nonzero(mask)
    return kept


def test_what_is_small_beside_the_largest_is_dropped() -> None:
    assert sizes(DropFragments().process_mask(drawn(), [])) == [100, 30]


@pytest.mark.parametrize(("share", "kept"), [(0.0, [100, 30, 6]), (0.05, [100, 30, 6]), (1.0, [100])])
def test_the_share_is_of_the_largest_component(share: float, kept: list[int]) -> None:
    assert sizes(DropFragments(min_share=share).process_mask(drawn(), [])) == kept


def test_components_of_few_pixels_are_dropped_whatever_their_share() -> None:
    assert sizes(DropFragments(min_share=0, min_area=7).process_mask(drawn(), [])) == [100, 30]


def test_a_component_that_was_clicked_stays() -> None:
    kept = DropFragments().process_mask(drawn(), [Click(29, 29), Click(10, 20, positive=False)])

    assert sizes(kept) == [100, 30, 1]


def test_the_largest_stays_however_small() -> None:
    dot = np.zeros((3, 3), dtype=bool)
    dot[1, 1] = True

    assert DropFragments().process_mask(dot, [])[1, 1]


def test_a_positive_click_beside_the_object_adds_nothing() -> None:
    mask = drawn()

    assert not DropFragments().process_mask(mask, [Click(25, 25)])[25, 25]
