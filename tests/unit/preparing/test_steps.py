from typing import Any

import numpy as np
import pytest

from models.errors import OptionError, UnknownNameError
from scripts.preparing.steps import Recipe, Views, finished, views_of
from scripts.source_files.base import SourcePicture
from tests.fakes.source_pictures import values


def picture(dtype: Any = np.uint16, **more: Any) -> SourcePicture:
    return SourcePicture(0, "", values(dtype, bright=250), **more)


WINDOW = "window-level:center=40,width=400"


@pytest.mark.parametrize(
    ("source", "steps"),
    [
        (picture(np.uint8), ""),
        (picture(np.uint16), "percentile-stretch"),
        (picture(np.float32), "percentile-stretch"),
        (picture(np.uint16, range_step=WINDOW), WINDOW),
    ],
)
def test_without_steps_each_picture_gets_what_suits_it(source: SourcePicture, steps: str) -> None:
    assert views_of(source, Recipe()) == Views(steps, None)


@pytest.mark.parametrize(
    ("wanted", "steps"),
    [
        ("clahe", "percentile-stretch,clahe"),
        ("channel:number=2,clahe", "channel:number=2,percentile-stretch,clahe"),
        ("channel", "channel,percentile-stretch"),
        ("median, percentile-stretch:low=1 , high=99", "median,percentile-stretch:low=1,high=99"),
        (WINDOW, WINDOW),
    ],
)
def test_deep_pictures_get_a_range_unless_the_steps_have_one(wanted: str, steps: str) -> None:
    assert views_of(picture(), Recipe(wanted)).plain == steps


def test_the_plain_picture_beside_it_has_only_the_range() -> None:
    assert views_of(picture(), Recipe("channel,median,gamma", side_by_side=True)) == Views(
        "channel,percentile-stretch", "channel,percentile-stretch,median,gamma"
    )
    assert views_of(picture(np.uint8), Recipe(side_by_side=True)) == Views("", "clahe")


def test_inverted_pictures_are_turned_after_all_steps() -> None:
    shown, other = (finished(picture(inverted=each), "percentile-stretch,clahe") for each in (False, True))
    assert np.array_equal(shown, 255 - other)


def test_12_bits_are_enhanced_before_they_are_squeezed() -> None:
    faint = np.full((64, 64), 2000, dtype=np.uint16)
    faint[20:40, 20:40] = 2003  # the same in 8 bit
    assert len(np.unique(finished(SourcePicture(0, "", faint), "window-level:center=2000,width=20"))) == 2


def test_unknown_steps_and_options_are_errors_at_once() -> None:
    with pytest.raises(UnknownNameError, match="percentile-stretch"):
        Recipe("sharpen").check()
    with pytest.raises(OptionError, match="clip"):
        Recipe("clahe:clip=0").check()
