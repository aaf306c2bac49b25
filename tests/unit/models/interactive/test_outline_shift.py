import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.arrays import Mask
from models.interactive.outline_shift import OutlineShift
from models.interactive.views import View
from models.prompts import Click

SIZE = (60, 80)
VIEW = View.of(10, 20, 50, 60, 96, enlarge=True)


def slope() -> NDArray[np.float32]:
    """Logits that fall from left to right by 0.1 in each column of the grid, 0 in the middle."""
    return np.tile((48 - np.arange(96, dtype=np.float32)) / 10, (96, 1))


def answer() -> Mask:
    return VIEW.paste(slope(), np.zeros(SIZE, dtype=bool))


def shift_after(*clicks: Click, amount: float = 0.0) -> float:
    return OutlineShift.of(VIEW, slope(), amount).after(clicks, answer())


def test_a_positive_click_just_beside_the_outline_widens_the_next_answer() -> None:
    assert 0.3 < shift_after(Click(30, 43)) < 1


def test_a_negative_click_just_inside_the_outline_narrows_the_next_answer() -> None:
    assert -1 < shift_after(Click(30, 36, positive=False)) < -0.3


@pytest.mark.parametrize(
    "click",
    [Click(30, 55), Click(30, 30), Click(30, 43, positive=False), Click(5, 70)],
    ids=["far-outside", "agrees", "agrees-too", "not-seen"],
)
def test_other_clicks_shift_nothing(click: Click) -> None:
    assert shift_after(click) == 0


def test_opposite_clicks_cancel_out() -> None:
    assert abs(shift_after(Click(30, 43), Click(30, 36, positive=False))) < 0.1


def test_what_was_learned_fades_and_is_bounded() -> None:
    assert 0 < shift_after(amount=1.0) < 1
    amount = 0.0
    for _ in range(50):
        amount = shift_after(Click(30, 45), amount=amount)
    assert amount <= 3


@given(
    corner=st.tuples(st.integers(0, 4000), st.integers(0, 4000)),
    size=st.tuples(st.integers(1, 96), st.integers(1, 96)),
    amount=st.floats(-3, 3, width=32),
)
def test_numbers_hold_everything(corner: tuple[int, int], size: tuple[int, int], amount: float) -> None:
    view = View.of(*corner, corner[0] + size[0], corner[1] + size[1], 96, enlarge=True)
    values = np.random.default_rng(0).normal(size=view.grid_hw).astype(np.float32)
    before = OutlineShift.of(view, values, amount)
    after = OutlineShift.unpack(before.pack())
    assert (after.view, after.amount) == (view, amount)
    assert np.array_equal(after.values, before.values)
