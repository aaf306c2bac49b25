import numpy as np
import pytest

from models.arrays import Image, Mask
from models.label_schema import LabelSchema, Question
from models.regions import Region
from models.training.examples import Example
from models.training.prelabel_samples import SIDES, UNKNOWN, Sample, countable_classes, prepared, working_side

SCHEMA = LabelSchema(("cell", "nucleus"), (Question("stain", ("weak", "strong")),))
ROWS, COLUMNS = np.mgrid[:192, :192]
GREY: Image = np.full((192, 192, 3), 128, dtype=np.uint8)


def disc(row: int, column: int, radius: int, name: str = "cell") -> Region:
    region = Region.from_mask(np.hypot(ROWS - row, COLUMNS - column) < radius, name)
    assert region is not None
    return region


def sample_of(*regions: Region, side: int = 192, image: Image = GREY) -> Sample:
    return prepared(Example("k", "g", lambda: image, regions, {}), image, SCHEMA, side)


def where(region: Region) -> Mask:
    return region.full_mask((192, 192))


@pytest.mark.parametrize("turned", [False, True])
def test_the_smaller_object_is_in_front_in_whatever_order_they_come(*, turned: bool) -> None:
    cell, nucleus = disc(90, 90, 60), disc(95, 95, 20, "nucleus")
    classes = sample_of(*((nucleus, cell) if turned else (cell, nucleus))).classes

    assert np.array_equal(classes == 2, where(nucleus))
    assert np.array_equal(classes == 1, where(cell) & ~where(nucleus))
    assert np.array_equal(classes == 0, ~where(cell))


def test_objects_of_classes_that_nobody_asks_for_are_unknown() -> None:
    scratch, cell = disc(60, 60, 30, "scratch"), disc(60, 60, 10)
    sample = sample_of(scratch, cell)

    assert np.array_equal(sample.classes == UNKNOWN, where(scratch) & ~where(cell))
    assert np.array_equal(sample.classes == 1, where(cell))


def test_the_depth_grows_from_the_outline_to_the_innermost_point_of_each_object() -> None:
    large, small = disc(60, 60, 40), disc(150, 150, 10, "nucleus")
    depth = sample_of(large, small).depth

    assert np.array_equal(depth > 0, where(large) | where(small))
    for region, row in ((large, 60), (small, 150)):
        assert depth[row, row] == depth[where(region)].max() == 255
        assert depth[row, region.box[1]] < 60
    assert abs(int(depth[60, 80]) - 128) < 10


def test_the_depths_of_touching_objects_of_one_class_fall_to_their_border() -> None:
    left, right = disc(90, 60, 30), disc(90, 120, 30)
    depth = sample_of(left, right).depth

    assert depth[90, 60] == depth[90, 120] == 255
    assert max(depth[90, 88:92]) < 40


@pytest.mark.parametrize("shape", [(192, 192), (100, 300), (1, 400), (768, 512), (1, 1)])
def test_picture_and_truth_have_the_working_size(shape: tuple[int, int]) -> None:
    image = np.zeros((*shape, 3), dtype=np.uint8)
    whole = Region(np.ones(shape, dtype=bool), 0, 0, "cell")
    sample = sample_of(whole, side=128, image=image)

    assert max(sample.image.shape[:2]) == 128
    assert sample.image.shape[:2] == sample.classes.shape == sample.depth.shape
    assert (sample.classes == 1).all()


@pytest.mark.parametrize("side", [96, 256, 384])
def test_objects_are_scaled_with_their_picture(side: int) -> None:
    region = disc(70, 120, 30)
    image = np.where(where(region)[:, :, None], 200, 20).astype(np.uint8).repeat(3, axis=2)
    sample = sample_of(region, side=side, image=image)
    bright = sample.image[:, :, 0] > 110

    assert np.count_nonzero(bright ^ (sample.classes == 1)) < 0.05 * np.count_nonzero(bright)


def test_what_sticks_out_of_the_picture_is_cut_off() -> None:
    sample = sample_of(Region(np.ones((40, 40), dtype=bool), -20, 180, "cell"))

    assert np.count_nonzero(sample.classes) == 20 * 12


def test_without_being_asked_for_objects_everything_is_unknown() -> None:
    example = Example("k", "g", lambda: GREY, None, {"stain": ("strong",)})
    sample = prepared(example, GREY, SCHEMA, 192)

    assert (sample.classes == UNKNOWN).all()
    assert not sample.depth.any()
    (answer,) = sample.answers
    assert answer is not None
    assert answer.tolist() == [0, 1]


def test_an_empty_picture_is_background_and_an_unanswered_question_unknown() -> None:
    sample = sample_of()

    assert not sample.classes.any()
    assert sample.answers == (None,)


def squares(side: int, count: int = 4) -> list[Region]:
    return [Region(np.ones((side, side), dtype=bool), 0, 0, "cell")] * count


def test_small_objects_need_a_larger_working_size() -> None:
    sides = [working_side([(1000, 800)], [squares(side)]) for side in (500, 70, 47, 36, 10)]

    assert sides == [192, 384, 384, 512, 512]
    assert sides == sorted(sides)
    assert set(sides) <= set(SIDES)


def test_without_objects_the_smallest_working_size_will_do() -> None:
    assert working_side([(1000, 800)], [[]]) == working_side([], []) == SIDES[0]


def test_a_class_is_countable_if_pictures_often_show_several() -> None:
    one, several = [disc(50, 50, 9)], [disc(50, 50, 9), disc(90, 90, 9)]

    assert countable_classes([several, one, one, one, one], SCHEMA) == {"cell"}
    assert countable_classes([several, one, one, one, one, one], SCHEMA) == set()
    assert countable_classes([several, *[[]] * 20], SCHEMA) == {"cell"}
    assert countable_classes([], SCHEMA) == set()
    assert countable_classes([squares(5)], LabelSchema(("nucleus",))) == set()
