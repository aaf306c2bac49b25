import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from backend.services.anchors import anchor_of
from models.arrays import Mask
from models.prompts import Click, Prompts
from models.regions import Region


def test_the_anchor_of_a_disc_is_its_middle() -> None:
    rows, columns = np.ogrid[:41, :61]
    disc = Region.from_mask(np.asarray((rows - 20) ** 2 + (columns - 40) ** 2 <= 100))
    assert disc is not None
    assert anchor_of(disc, Prompts((Click(1, 1, positive=False),))).pixel == (20, 40)


def test_the_anchor_of_a_bar_keeps_away_from_the_part_that_is_wrong() -> None:
    bar = Region(np.ones((9, 40), bool), 10, 10)
    row, column = anchor_of(bar, Prompts((Click(14, 15, positive=False),))).pixel
    assert row == 14
    assert column > 18


@given(mask=arrays(bool, (7, 9)).filter(np.any), data=st.data())
def test_the_anchor_is_a_pixel_of_the_object_that_was_not_clicked(mask: Mask, data: st.DataObject) -> None:
    region = Region.from_mask(mask)
    assert region is not None
    places = [(int(row), int(column)) for row, column in np.argwhere(mask)]
    wrong = data.draw(st.lists(st.sampled_from(places), max_size=len(places) - 1, unique=True))
    row, column = anchor_of(region, Prompts(tuple(Click(*p, positive=False) for p in wrong))).pixel
    assert mask[row, column]
    assert (row, column) not in wrong
