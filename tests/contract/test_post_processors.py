"""What every post-processor promises; a new member of the registry is covered without further work."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy
from numpy.typing import NDArray

from models.arrays import Image, Mask
from models.postprocess import POST_PROCESSORS
from models.prompts import Click
from models.regions import Region

every_member = pytest.mark.parametrize("name", POST_PROCESSORS.names)

MASKS = st_numpy.arrays(bool, st_numpy.array_shapes(min_dims=2, max_dims=2, max_side=14))


def picture_for(mask: Mask) -> Image:
    return np.full((*mask.shape, 3), 90, dtype=np.uint8)


def regions_of(*masks: Mask) -> list[Region]:
    found = [Region.from_mask(mask, f"class {index}", index / len(masks)) for index, mask in enumerate(masks)]
    return [region for region in found if region is not None]


@every_member
@given(mask=MASKS, data=st.data())
def test_clicked_pixels_are_respected(name: str, mask: Mask, data: st.DataObject) -> None:
    size_hw = (mask.shape[0], mask.shape[1])
    places = st.tuples(st.integers(0, size_hw[0] - 1), st.integers(0, size_hw[1] - 1), st.booleans())
    clicks = [Click(*place) for place in data.draw(st.lists(places, max_size=4))]
    regions = regions_of(mask)
    cleaned = POST_PROCESSORS.create(name).process(regions, picture_for(mask), clicks)

    after = np.zeros_like(mask)
    for region in cleaned:
        after |= region.full_mask(size_hw)
    for click in clicks:
        if click.positive:
            assert after[click.pixel] or not mask[click.pixel]
        else:
            assert mask[click.pixel] or not after[click.pixel]


@every_member
@given(
    st_numpy.arrays(
        np.uint8, st_numpy.array_shapes(min_dims=2, max_dims=2, max_side=14), elements=st.integers(0, 3)
    )
)
def test_regions_stay_apart_inside_the_picture_and_keep_class_and_score(
    name: str, labels: NDArray[np.uint8]
) -> None:
    size_hw = (labels.shape[0], labels.shape[1])
    regions = regions_of(labels == 1, labels == 2, labels == 3)
    cleaned = POST_PROCESSORS.create(name).process(regions, picture_for(labels > 0))

    covered = np.zeros(size_hw, dtype=int)
    for region in cleaned:
        assert region.mask.dtype == bool
        assert region.mask.any()
        top, left, bottom, right = region.box
        assert 0 <= top < bottom <= size_hw[0]
        assert 0 <= left < right <= size_hw[1]
        covered += region.full_mask(size_hw)
    assert covered.max() <= 1
    known = {(region.class_name, region.score) for region in regions}
    assert {(region.class_name, region.score) for region in cleaned} <= known


@every_member
@given(MASKS)
def test_the_input_is_not_changed_and_a_second_pass_changes_nothing(name: str, mask: Mask) -> None:
    regions, picture = regions_of(mask), picture_for(mask)
    masks_before = [region.mask.copy() for region in regions]
    picture_before = picture.copy()
    processor = POST_PROCESSORS.create(name)
    once = processor.process(regions, picture)
    twice = processor.process(once, picture)

    assert all(
        np.array_equal(region.mask, before) for region, before in zip(regions, masks_before, strict=True)
    )
    assert np.array_equal(picture, picture_before)
    for first, second in zip(once, twice, strict=True):
        assert first.box == second.box
        assert np.array_equal(first.mask, second.mask)


@every_member
@given(
    st_numpy.arrays(
        np.uint8, st_numpy.array_shapes(min_dims=2, max_dims=2, max_side=14), elements=st.integers(0, 3)
    )
)
def test_a_second_pass_over_neighbours_changes_nothing(name: str, labels: NDArray[np.uint8]) -> None:
    processor, picture = POST_PROCESSORS.create(name), picture_for(labels > 0)
    once = processor.process(regions_of(labels == 1, labels == 2, labels == 3), picture)
    twice = processor.process(once, picture)

    assert len(once) == len(twice)
    assert all(map(Region.same_pixels, once, twice))


@every_member
def test_a_clean_object_is_left_as_it_is(name: str) -> None:
    rows, columns = np.mgrid[:60, :80]
    disc = np.hypot(rows - 30, columns - 40) < 20
    (cleaned,) = POST_PROCESSORS.create(name).process(regions_of(disc), picture_for(disc))

    assert np.array_equal(cleaned.full_mask((60, 80)), disc)


@every_member
def test_no_regions_give_no_regions(name: str) -> None:
    assert POST_PROCESSORS.create(name).process([], np.zeros((5, 5, 3), dtype=np.uint8)) == []


@every_member
def test_only_those_that_say_so_look_at_the_picture(name: str) -> None:
    processor = POST_PROCESSORS.create(name)
    rows, columns = np.mgrid[:60, :80]
    drawn, true = (np.hypot(rows - 30, columns - 40) < radius for radius in (17, 20))
    picture = np.where(true[:, :, None], (200, 160, 90), (40, 50, 60)).astype(np.uint8)
    with_edge, without = (
        processor.process(regions_of(drawn), each)[0].full_mask((60, 80))
        for each in (picture, picture_for(drawn))
    )
    assert np.array_equal(with_edge, without) is not processor.looks_at_picture
