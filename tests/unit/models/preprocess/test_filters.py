from typing import Any

import numpy as np
import pytest

from models.errors import ImageError
from models.preprocess import PRE_PROCESSORS
from models.preprocess.base import Pixels
from models.preprocess.channel import Channel
from models.preprocess.flatten_background import FlattenBackground
from models.preprocess.gamma import Gamma
from models.preprocess.median import Median


def step_with_noise() -> tuple[Pixels, Pixels]:
    """A picture of two halves without and with noise."""
    clean = np.full((64, 64), 15_000, dtype=np.uint16)
    clean[:, 32:] = 45_000
    noise = np.random.default_rng(0).normal(0, 1500, clean.shape)
    return clean, (clean + noise).round().astype(np.uint16)


@pytest.mark.parametrize("name", ["median", "bilateral", "non-local-means"])
def test_noise_is_halved_and_the_edge_stays_where_it_is(name: str) -> None:
    clean, noisy = step_with_noise()
    options: dict[str, Any] = {"size": 5} if name == "median" else {}
    result = PRE_PROCESSORS.create(name, **options).process(noisy)
    before, after = (np.abs(each - clean.astype(float)).mean() for each in (noisy, result))
    assert after < 0.5 * before
    assert ((result > 30_000) == (clean > 30_000)).all()


def test_the_median_takes_away_single_bright_pixels() -> None:
    image = np.zeros((9, 9), dtype=np.uint8)
    image[4, 4] = 255
    assert not Median().process(image).any()


def test_gamma_lightens_below_one_and_keeps_the_ends() -> None:
    image = np.array([[0, 64, 255]], dtype=np.uint8)
    assert Gamma(exponent=0.5).process(image).tolist() == [[0, 128, 255]]
    assert Gamma(exponent=1).process(image).tolist() == image.tolist()
    assert Gamma(exponent=2).process(image)[0, 1] == 16


def test_light_that_falls_off_is_made_even() -> None:
    rows, columns = np.mgrid[:200, :300]
    light = 1 - 0.6 * ((rows - 100) ** 2 + (columns - 150) ** 2) / (100**2 + 150**2)
    cells = (rows % 40 < 12) & (columns % 40 < 12)
    image = (light * np.where(cells, 90, 180)).astype(np.uint8)
    flat = FlattenBackground(method="divide").process(image).astype(float)
    background_before, background_after = (each[~cells] for each in (image.astype(float), flat))
    assert background_after.std() / background_after.mean() < 0.35 * (
        background_before.std() / background_before.mean()
    )
    assert flat[cells].max() < flat[~cells].min()


def test_a_glow_is_taken_away() -> None:
    columns = np.broadcast_to(np.arange(300), (200, 300))
    spots = np.zeros((200, 300), dtype=bool)
    spots[20::40, 20::40] = True
    image = (columns * 0.5 + 60 * spots).astype(np.uint8)
    flat = FlattenBackground(method="subtract", size=0.1).process(image).astype(float)
    middle = (columns > 60) & (columns < 240)
    assert flat[middle & ~spots].std() < 4
    assert flat[middle & spots].mean() - flat[middle & ~spots].mean() > 50


def test_a_channel_is_picked_by_its_number_and_keeps_its_values() -> None:
    image = np.arange(2 * 2 * 5, dtype=np.float32).reshape(2, 2, 5) * 1000
    assert Channel(number=4).process(image).tolist() == image[..., 3].tolist()
    grey = image[..., 0]
    assert Channel(number=1).process(grey).tolist() == grey.tolist()


def test_a_channel_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ImageError, match="no channel 4: the picture has 3"):
        Channel(number=4).process(np.zeros((2, 2, 3), dtype=np.uint8))
