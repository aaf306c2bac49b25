import numpy as np
import pytest

from models.errors import OptionError
from models.preprocess.base import Pixels, as_rgb, to_8_bit
from models.preprocess.percentile_stretch import PercentileStretch
from models.preprocess.window_level import WindowLevel


def test_a_12_bit_picture_in_16_bits_uses_the_whole_range_afterwards() -> None:
    image = np.linspace(100, 4000, 10_000).reshape(100, 100).astype(np.uint16)
    stretched = PercentileStretch(low=1, high=99).process(image)
    assert (stretched.min(), stretched.max()) == (0, 65535)
    assert np.mean((stretched > 0) & (stretched < 65535)) == pytest.approx(0.98, abs=0.002)
    assert len(np.unique(to_8_bit(stretched))) == 256


def test_one_hot_pixel_does_not_make_the_picture_dark() -> None:
    image = np.random.default_rng(0).integers(0, 1000, (100, 100)).astype(np.uint16)
    image[50, 50] = 65535
    assert PercentileStretch().process(image).mean() > 30_000


def test_a_few_stars_on_nothing_are_seen() -> None:
    image = np.zeros((200, 200), dtype=np.uint16)
    image[7, 9] = 300
    assert PercentileStretch().process(image)[7, 9] == 65535


def test_colours_are_stretched_together() -> None:
    image = np.zeros((10, 10, 3), dtype=np.uint8)
    image[..., 0], image[5:, 5:, 1] = 100, 50
    stretched = PercentileStretch(low=0, high=100).process(image)
    assert stretched[9, 9].tolist() == [255, 128, 0]


def test_a_window_is_that_of_the_dicom_standard() -> None:
    values = np.array([[-161, -160, 39, 40, 239, 240]], dtype=np.float32)
    shown = WindowLevel(center=40, width=400).process(values)[0]
    assert shown[:2].tolist() == [0, 0]
    assert shown[2] == pytest.approx((39 - 39.5) / 399 + 0.5)
    assert shown[3] == pytest.approx((40 - 39.5) / 399 + 0.5)
    assert shown[4:].tolist() == [1, 1]


def test_a_window_of_one_value_is_a_threshold_like_any_other_flat_picture() -> None:
    assert not WindowLevel(center=40, width=1).process(np.array([[39, 41]], dtype=np.uint8)).any()


@pytest.mark.parametrize("options", [{"low": 51}, {"high": 49}, {"low": -1}, {"high": 101}])
def test_percentiles_that_cross_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(OptionError, match=next(iter(options))):
        PercentileStretch(**options)


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        (np.array([[0, 128, 255]], dtype=np.uint8), [0, 128, 255]),
        (np.array([[0, 128 * 257, 65535]], dtype=np.uint16), [0, 128, 255]),
        (np.array([[0.0, 0.5, 1.0]], dtype=np.float32), [0, 128, 255]),
        (np.array([[-10.0, 0.0, 10.0]], dtype=np.float32), [0, 128, 255]),
        (np.array([[np.nan, 2.0, 6.0, np.inf]], dtype=np.float32), [0, 0, 255, 255]),
        (np.array([[np.nan]], dtype=np.float32), [0]),
    ],
)
def test_pictures_are_squeezed_to_8_bit_from_dark_to_bright(values: Pixels, shown: list[int]) -> None:
    assert to_8_bit(values)[0].tolist() == shown


def test_grey_becomes_colour_by_repeating_it() -> None:
    assert as_rgb(np.array([[7]], dtype=np.uint8)).tolist() == [[[7, 7, 7]]]
