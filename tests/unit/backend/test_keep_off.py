import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from backend.services.post_processing import keep_off
from models.arrays import Mask
from models.prompts import Box, Click, Prompts
from models.regions import Region

SIZE = (12, 16)
ANSWER = Region(np.ones((6, 8), bool), 2, 3, "Cell", 0.7)
FAR_CLICK = Prompts((Click(2, 3),))


def block(top: int, left: int, bottom: int, right: int) -> Region:
    return Region(np.ones((bottom - top, right - left), bool), top, left)


def full(regions: list[Region]) -> Mask:
    (region,) = regions
    return region.full_mask(SIZE)


def test_pixels_of_labelled_objects_are_left_out() -> None:
    others = [block(0, 8, 12, 16), block(7, 0, 12, 16)]
    expected = np.zeros(SIZE, bool)
    expected[2:7, 3:8] = True
    assert np.array_equal(full(keep_off([ANSWER], others, FAR_CLICK)), expected)


def test_label_and_score_stay() -> None:
    (region,) = keep_off([ANSWER], [block(0, 8, 12, 16)], FAR_CLICK)
    assert (region.class_name, region.score) == ("Cell", 0.7)


def test_an_object_that_is_clicked_takes_nothing_away() -> None:
    around = block(0, 0, 12, 16)
    assert np.array_equal(full(keep_off([ANSWER], [around], FAR_CLICK)), ANSWER.full_mask(SIZE))


def test_an_object_around_the_middle_of_a_box_takes_nothing_away() -> None:
    around = block(0, 0, 12, 16)
    boxed = Prompts(box=Box(2, 3, 8, 11))
    assert np.array_equal(full(keep_off([ANSWER], [around], boxed)), ANSWER.full_mask(SIZE))


def test_a_negative_click_on_an_object_does_not_claim_it() -> None:
    prompts = Prompts((Click(2, 3), Click(5, 9, positive=False)))
    assert not full(keep_off([ANSWER], [block(0, 8, 12, 16)], prompts))[5, 9]


def test_of_an_answer_that_is_covered_nothing_is_left() -> None:
    assert keep_off([ANSWER], [block(1, 1, 11, 15)], Prompts(box=Box(0, 0, 1, 1))) == []


@given(
    answer=arrays(bool, SIZE),
    other=arrays(bool, SIZE),
    click=st.tuples(st.integers(0, SIZE[0] - 1), st.integers(0, SIZE[1] - 1)),
)
def test_a_clicked_pixel_is_never_taken_away_and_nothing_is_added(
    answer: Mask, other: Mask, click: tuple[int, int]
) -> None:
    answer[click] = True
    region, labelled = Region.from_mask(answer), Region.from_mask(other)
    assert region is not None
    others = [] if labelled is None else [labelled]
    kept = full(keep_off([region], others, Prompts((Click(*click),))))

    assert kept[click]
    assert not (kept & ~answer).any()
    if not other[click]:
        assert np.array_equal(kept, answer & ~other)
