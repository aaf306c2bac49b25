"""What every pre-processor promises; a new member of the registry is covered without further work."""

from threading import Thread
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from models.errors import ImageError
from models.preprocess import PRE_PROCESSORS
from models.preprocess.base import Pixels, PreProcessor, RangeProcessor

every_member = pytest.mark.parametrize("name", PRE_PROCESSORS.names)
every_type = pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])

SIZES = st.tuples(st.integers(1, 24), st.integers(1, 24))
SHAPES = st.one_of(SIZES, SIZES.map(lambda size: (*size, 3)))
PICTURES = st.one_of(
    st_numpy.arrays(np.uint8, SHAPES),
    st_numpy.arrays(np.uint16, SHAPES),
    st_numpy.arrays(np.float32, SHAPES, elements=st.floats(-3000, 70000, width=32)),
    st_numpy.arrays(np.float32, SHAPES, elements=st.floats(width=32)),
)


def scene(dtype: Any, shape: tuple[int, ...] = (61, 83)) -> Pixels:
    """Two discs on an uneven background with noise; 12 bits in use where there are 16."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    values = 0.2 + 0.2 * columns / shape[1] + np.random.default_rng(1).normal(0, 0.02, shape[:2])
    values += 0.4 * (np.hypot(rows - 30, columns - 20) < 12) - 0.15 * (np.hypot(rows - 35, columns - 60) < 9)
    bright = {np.uint8: 255, np.uint16: 4095, np.float32: 1.0}[dtype]
    grey = (values.clip(0, 1) * bright).astype(dtype)
    return grey if len(shape) == 2 else np.dstack([grey, grey // 2, grey // 4])


def for_values(name: str, dtype: Any) -> PreProcessor:
    """The member as one would use it for pictures of that type: a window over all their values."""
    bright = {np.uint8: 255, np.uint16: 65535, np.float32: 1}[dtype]
    window = {"center": (bright + 1) / 2, "width": bright + 1}
    return PRE_PROCESSORS.create(name, **(window if name == "window-level" else {}))


@every_member
@settings(max_examples=40)
@given(PICTURES)
def test_size_and_type_are_kept_and_values_stay_in_their_range(name: str, image: Pixels) -> None:
    before = image.copy()
    result = PRE_PROCESSORS.create(name).process(image)
    assert result.shape[:2] == image.shape[:2]
    assert result.shape == image.shape or name == "channel"
    assert result.dtype == image.dtype
    assert np.isfinite(result).all()
    if image.dtype == np.float32 and name != "channel":
        assert 0 <= result.min() <= result.max() <= 1
    assert np.array_equal(image, before, equal_nan=image.dtype == np.float32)


@every_member
@every_type
@pytest.mark.parametrize("shape", [(61, 83), (61, 83, 3)])
def test_a_write_protected_picture_gives_the_same_picture_again(
    name: str, dtype: Any, shape: tuple[int, ...]
) -> None:
    image = scene(dtype, shape)
    image.setflags(write=False)
    processor = PRE_PROCESSORS.create(name)
    assert np.array_equal(processor.process(image), processor.process(image))


@every_member
@every_type
@pytest.mark.parametrize("value", [0, 1, 200])
def test_a_flat_picture_stays_flat(name: str, dtype: Any, value: int) -> None:
    result = PRE_PROCESSORS.create(name).process(np.full((17, 29), value, dtype=dtype))
    assert float(result.max()) - float(result.min()) < 1e-6


@every_member
@every_type
def test_steps_work_in_the_depth_of_the_picture(name: str, dtype: Any) -> None:
    image = scene(dtype)
    n_values = len(np.unique(for_values(name, dtype).process(image)))
    assert n_values >= 0.3 * len(np.unique(image))


@every_member
def test_8_and_16_bits_of_the_same_picture_look_alike(name: str) -> None:
    image = scene(np.uint8)
    shallow = for_values(name, np.uint8).process(image)
    deep = for_values(name, np.uint16).process(image.astype(np.uint16) * 257)
    assert np.abs(shallow - deep / 257).max() <= 2


@every_member
@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((0, 5), dtype=np.uint8), "shape"),
        (np.zeros(5, dtype=np.uint8), "shape"),
        (np.zeros((4, 4), dtype=np.int64), "int64"),
        (np.zeros((4, 4, 5), dtype=np.uint16), "5 channels"),
    ],
)
def test_what_is_no_picture_is_refused(name: str, image: Pixels, message: str) -> None:
    if message == "5 channels" and name == "channel":
        assert PRE_PROCESSORS.create(name).process(image).shape == (4, 4)
    else:
        with pytest.raises(ImageError, match=message):
            PRE_PROCESSORS.create(name).process(image)


@every_member
def test_threads_may_share_a_pre_processor(name: str) -> None:
    images = [scene(np.uint16), scene(np.uint16)[::-1].copy()]
    processor = PRE_PROCESSORS.create(name)
    alone = [processor.process(image) for image in images]
    together: list[Pixels | None] = [None, None]

    def work(number: int) -> None:
        for _ in range(5):
            together[number] = processor.process(images[number])

    threads = [Thread(target=work, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for expected, actual in zip(alone, together, strict=True):
        assert actual is not None
        assert np.array_equal(actual, expected)


def test_only_what_sets_the_range_looks_at_raw_values() -> None:
    members = [PRE_PROCESSORS.create(name) for name in PRE_PROCESSORS.names]
    setting = {member.name for member in members if isinstance(member, RangeProcessor)}
    assert setting == {"percentile-stretch", "window-level"}
