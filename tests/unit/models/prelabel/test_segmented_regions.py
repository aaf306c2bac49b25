import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from models.arrays import Mask
from models.metrics import iou
from models.prelabel.analysis import Analysis
from models.prelabel.segmented_regions import error_areas_of, regions_of
from models.regions import Region
from tests.fakes.analyses import analysis_of

ROWS, COLUMNS = np.mgrid[:60, :80]


def disc(row: float, column: float, radius: float, scale: float = 1.0) -> Mask:
    """A disc, (60 × scale, 80 × scale), at a place given in pixels of the 60 × 80 grid."""
    height, width = round(60 * scale), round(80 * scale)
    rows = (np.arange(height)[:, None] + 0.5) / scale - 0.5
    columns = (np.arange(width) + 0.5) / scale - 0.5
    return np.asarray(np.hypot(rows - row, columns - column) < radius)


def depth_of(*parts: Mask) -> NDArray[np.float32]:
    """Distance from the outline of each part as a share of its largest, (60, 80)."""
    depth = np.zeros(parts[0].shape, dtype=np.float32)
    for part in parts:
        distance = ndimage.distance_transform_edt(part)
        depth = np.maximum(depth, distance / distance.max()).astype(np.float32)
    return depth


def covered(regions: tuple[Region, ...], size_hw: tuple[int, int]) -> NDArray[np.int64]:
    """How many regions have each pixel."""
    count = np.zeros(size_hw, dtype=np.int64)
    for region in regions:
        count += region.full_mask(size_hw)
    return count


def smooth_noise(seed: int, n_classes: int) -> Analysis:
    random = np.random.default_rng(seed)
    height, width = (int(side) for side in random.integers(8, 50, 2))
    logits = 12 * ndimage.gaussian_filter(random.normal(size=(n_classes + 1, height, width)), (0, 2, 2))
    probabilities = np.exp(logits - logits.max(0))
    depth = ndimage.gaussian_filter(random.random((height, width)), 1.5)
    return Analysis(
        probabilities=(probabilities / probabilities.sum(0)).astype(np.float32),
        depth=((depth - depth.min()) / np.ptp(depth)).astype(np.float32),
        errors=random.random((height, width)).astype(np.float32),
        answers=(),
        quality=0.5,
        consistency=0.5,
        novelty=0.0,
        embedding=np.zeros(4, dtype=np.float32),
    )


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.integers(1, 3), st.floats(0.3, 9.0))
def test_regions_of_any_picture_at_any_size_do_not_overlap(seed: int, n_classes: int, scale: float) -> None:
    analysis = smooth_noise(seed, n_classes)
    height, width = analysis.depth.shape
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    names = ("a", "b", "c")[:n_classes]
    regions = regions_of(analysis, names, frozenset("a"), size)

    assert covered(regions, size).max() <= 1
    for region in regions:
        top, left, bottom, right = region.box
        assert 0 <= top < bottom <= size[0]
        assert 0 <= left < right <= size[1]
        assert region.class_name in names
        assert 0 <= region.score <= 1


@pytest.mark.parametrize("scale", [1.0, 3.3, 7.0])
def test_a_disc_that_is_enlarged_has_a_smooth_outline_at_its_place(scale: float) -> None:
    soft = 1 / (1 + np.exp(2 * (np.hypot(ROWS - 31.3, COLUMNS - 40.6) - 15)))
    analysis = analysis_of(np.zeros((60, 80), int))
    analysis.probabilities[:] = np.stack([1 - soft, soft])
    truth = disc(31.3, 40.6, 15, scale)
    size = (truth.shape[0], truth.shape[1])
    (region,) = regions_of(analysis, ("disc",), frozenset(), size)

    assert iou(region.full_mask(size), truth) > 0.97
    assert region.class_name == "disc"


def test_a_picture_that_is_one_class_is_one_region_up_to_its_border() -> None:
    (region,) = regions_of(analysis_of(np.ones((12, 16), int)), ("sky",), frozenset(), (37, 53))

    assert region.box == (0, 0, 37, 53)
    assert region.area == 37 * 53


@pytest.mark.parametrize("width", [80, 101, 233])
def test_neighbours_of_two_classes_meet_without_a_gap_or_overlap(width: int) -> None:
    halves = np.where(COLUMNS < 31, 1, 2)
    regions = regions_of(analysis_of(halves, n_classes=2), ("left", "right"), frozenset(), (70, width))

    assert [region.class_name for region in regions] == ["left", "right"]
    assert np.array_equal(covered(regions, (70, width)), np.ones((70, width)))
    assert abs(regions[0].area / 70 / width - 31 / 80) < 0.01


def test_touching_discs_are_separated_by_the_depth() -> None:
    one, other = disc(30, 26, 14), disc(30, 52, 14)
    analysis = analysis_of(one | other, depth=depth_of(one, other))
    regions = regions_of(analysis, ("cell",), frozenset({"cell"}), (60, 80))

    assert len(regions) == 2
    for truth in (one, other):
        assert max(iou(region.full_mask((60, 80)), truth) for region in regions) > 0.9


def test_an_object_of_uneven_depth_stays_whole() -> None:
    body = disc(30, 40, 20)
    dented = depth_of(body) * (1 - 0.1 * (np.abs(COLUMNS - 40) < 3))
    regions = regions_of(
        analysis_of(body, depth=dented.astype(np.float32)), ("cell",), frozenset({"cell"}), (60, 80)
    )

    assert len(regions) == 1


def test_parts_of_a_class_that_is_not_counted_are_one_region() -> None:
    parts = disc(15, 15, 9) | disc(40, 60, 9)
    regions = regions_of(analysis_of(parts), ("crack",), frozenset(), (60, 80))

    assert len(regions) == 1
    assert np.array_equal(regions[0].full_mask((60, 80)), parts)


def test_objects_without_any_depth_are_told_apart_where_they_do_not_touch() -> None:
    regions = regions_of(
        analysis_of(disc(15, 15, 9) | disc(40, 60, 9)), ("cell",), frozenset({"cell"}), (60, 80)
    )

    assert len(regions) == 2


def test_specks_are_not_objects() -> None:
    speck = np.zeros((60, 80), bool)
    speck[5, 5:8] = True

    assert regions_of(analysis_of(speck), ("cell",), frozenset({"cell"}), (60, 80)) == ()


def test_the_score_is_the_mean_belief_that_the_objects_pixels_are_right() -> None:
    body = disc(30, 40, 10)
    errors = np.where(COLUMNS < 40, 0.2, 0.6).astype(np.float32)
    (region,) = regions_of(analysis_of(body, errors=errors), ("cell",), frozenset(), (120, 160))

    assert region.score == pytest.approx(1 - errors[body].mean(), abs=1e-5)


def test_error_areas_are_wide_places_that_are_probably_wrong_the_worst_first() -> None:
    large, small = disc(20, 20, 10), disc(40, 60, 6)
    errors = np.where(large, 0.8, np.where(small, 0.95, 0.1)).astype(np.float32)
    errors[ROWS == 55] = 1  # an outline, thin
    first, second = error_areas_of(analysis_of(ROWS * 0, errors=errors), (120, 160))

    assert iou(first.full_mask((120, 160)), disc(20, 20, 10, 2)) > 0.85
    assert iou(second.full_mask((120, 160)), disc(40, 60, 6, 2)) > 0.7
    assert 0.5 < first.score <= 0.8
    assert first.class_name == ""


def test_at_most_five_error_areas_are_shown() -> None:
    errors = np.zeros((60, 80), dtype=np.float32)
    for column in range(6, 80, 10):
        errors[disc(30, column, 4)] = 1

    assert len(error_areas_of(analysis_of(ROWS * 0, errors=errors), (60, 80))) == 5


def test_a_sure_picture_has_no_error_areas() -> None:
    assert error_areas_of(analysis_of(disc(30, 40, 10)), (60, 80)) == ()
