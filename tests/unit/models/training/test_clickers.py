import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy
from scipy import ndimage

from models.arrays import Mask
from models.prompts import Click
from models.training.clickers import CLICKERS, CentreClicker, JitteredClicker

SHAPES = st_numpy.array_shapes(min_dims=2, max_dims=2, max_side=12)
THREE_MASKS = SHAPES.flatmap(lambda shape: st.tuples(*[st_numpy.arrays(bool, shape) for _ in range(3)]))


def rectangle(size_hw: tuple[int, int], top: int, left: int, bottom: int, right: int) -> Mask:
    mask = np.zeros(size_hw, dtype=bool)
    mask[top:bottom, left:right] = True
    return mask


@pytest.mark.parametrize("name", CLICKERS.names)
@given(masks=THREE_MASKS, seed=st.integers(0, 2**32))
def test_a_click_lies_on_a_wrong_pixel_and_has_the_sign_that_corrects_it(
    name: str, masks: tuple[Mask, Mask, Mask], seed: int
) -> None:
    prediction, truth, ignored = masks
    before = prediction.copy(), truth.copy(), ignored.copy()

    click = CLICKERS.create(name, seed=seed).next_click(prediction, truth, ignored)

    wrong = (prediction != truth) & ~ignored
    if click is None:
        assert not wrong.any()
    else:
        assert wrong[click.pixel]
        assert click.positive == truth[click.pixel]
    for mask, copy in zip(masks, before, strict=True):
        assert np.array_equal(mask, copy)


@given(masks=THREE_MASKS)
def test_the_standard_click_is_the_deepest_wrong_pixel_of_the_whole_picture(
    masks: tuple[Mask, Mask, Mask],
) -> None:
    prediction, truth, ignored = masks
    depths = [
        ndimage.distance_transform_edt(np.pad(wrong & ~ignored, 1))[1:-1, 1:-1]
        for wrong in (truth & ~prediction, prediction & ~truth)
    ]

    click = CentreClicker().next_click(prediction, truth, ignored)

    if click is not None:
        assert depths[0 if click.positive else 1][click.pixel] == pytest.approx(np.max(depths))
        assert click.positive == (depths[0].max() > depths[1].max() + 1e-9)


@given(masks=THREE_MASKS, seed=st.integers(0, 2**32))
def test_a_jittered_click_lies_in_the_component_of_the_standard_click(
    masks: tuple[Mask, Mask, Mask], seed: int
) -> None:
    prediction, truth, _ = masks

    standard = CentreClicker().next_click(prediction, truth)
    jittered = JitteredClicker(seed=seed).next_click(prediction, truth)

    assert (standard is None) == (jittered is None)
    if standard is not None and jittered is not None:
        assert standard.positive == jittered.positive
        wrong = (prediction != truth) & (truth == standard.positive)
        labels = ndimage.label(wrong, np.ones((3, 3)))[0]
        assert labels[standard.pixel] == labels[jittered.pixel]


def test_the_first_click_is_the_centre_of_the_object() -> None:
    truth = rectangle((40, 60), 10, 20, 21, 31)

    assert CentreClicker().next_click(np.zeros_like(truth), truth) == Click(15, 25, positive=True)


def test_the_largest_error_holds_the_largest_disc_not_the_most_pixels() -> None:
    long_and_thin = rectangle((40, 60), 2, 0, 4, 60)
    compact = rectangle((40, 60), 20, 20, 29, 29)

    assert CentreClicker().next_click(compact, long_and_thin) == Click(24, 24, positive=False)
    assert CentreClicker().next_click(long_and_thin, compact) == Click(24, 24, positive=True)


def test_equally_deep_errors_get_a_negative_click() -> None:
    left, right = rectangle((9, 20), 2, 2, 7, 7), rectangle((9, 20), 2, 12, 7, 17)

    assert CentreClicker().next_click(left, right) == Click(4, 4, positive=False)


def test_an_object_that_fills_the_picture_is_clicked_in_the_middle() -> None:
    truth = np.ones((11, 11), dtype=bool)

    assert CentreClicker().next_click(~truth, truth) == Click(5, 5, positive=True)


def test_ignored_pixels_are_the_edge_of_an_error() -> None:
    truth = np.ones((11, 11), dtype=bool)
    ignored = rectangle((11, 11), 0, 5, 11, 11)

    assert CentreClicker().next_click(~truth, truth, ignored) == Click(2, 2, positive=True)


def test_jittered_clicks_prefer_the_inside_and_repeat_with_the_seed() -> None:
    truth = rectangle((50, 50), 5, 5, 45, 45)
    empty = np.zeros_like(truth)

    def clicks(seed: int) -> list[Click | None]:
        clicker = JitteredClicker(seed=seed)
        return [clicker.next_click(empty, truth) for _ in range(300)]

    drawn = [click for click in clicks(1) if click is not None]
    central = [click for click in drawn if 15 <= click.row < 35 and 15 <= click.column < 35]
    assert clicks(1) == drawn
    assert clicks(2) != drawn
    assert len(set(drawn)) > 100
    assert len(central) > 0.5 * len(drawn)  # the middle quarter of the area


def test_masks_of_different_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"different shapes: \(3, 4\), \(4, 3\)"):
        CentreClicker().next_click(np.zeros((3, 4), bool), np.zeros((4, 3), bool))
