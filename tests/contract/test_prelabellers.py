"""What every pre-labeller promises; a new member of the registry is covered without further work.

The one that learns is not in the registry: it exists once for each project, as a folder.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest
from skimage import data

from models.arrays import Image
from models.prelabel import PRELABELLERS
from models.prelabel.base import PreLabeller, PreLabels
from models.prelabel.unet import UNet
from tests.fakes.random_unet import write_random_unet

Create: TypeAlias = Callable[[], PreLabeller]


def in_colour(grey: np.typing.ArrayLike) -> Image:
    return np.repeat(np.asarray(grey, dtype=np.uint8)[:, :, None], 3, axis=2)


def discs() -> Image:
    rows, columns = np.mgrid[:90, :120]
    picture = np.full((90, 120), 40.0)
    for row, column in [(25, 30), (30, 90), (65, 60)]:
        picture[np.hypot(rows - row, columns - column) < 14] = 200
    picture += np.random.default_rng(0).normal(0, 4, picture.shape)
    return in_colour(picture)


def noise(height: int, width: int) -> Image:
    return np.random.default_rng(height).integers(0, 256, (height, width, 3), dtype=np.uint8)


PICTURES = {
    "discs": discs(),
    "coins": in_colour(data.coins()),
    "stained tissue": data.immunohistochemistry()[:200, :150],
    "constant": in_colour(np.full((30, 40), 128)),
    "white": in_colour(np.full((30, 40), 255)),
    "noise": noise(50, 60),
    "one pixel": noise(1, 1),
    "two by two": noise(2, 2),
    "one row": noise(1, 37),
    "one column": noise(53, 1),
    "long and thin": noise(3, 1500),
    "odd": noise(17, 23),
    "one bright pixel": in_colour(np.pad([[255]], 10)),
    "half and half": in_colour(np.repeat([[0, 255]], 20, axis=0).repeat(15, axis=1)),
}
every_picture = pytest.mark.parametrize("picture", PICTURES.values(), ids=PICTURES.keys())


@pytest.fixture(scope="module")
def unet_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_random_unet(tmp_path_factory.mktemp("unet"), side=96)


@pytest.fixture(params=[*PRELABELLERS.names, UNet.name])
def create(request: pytest.FixtureRequest, unet_folder: Path) -> Create:
    """Makes loaded pre-labellers of one kind."""

    def make() -> PreLabeller:
        name = request.param
        labeller = UNet(unet_folder) if name == UNet.name else PRELABELLERS.create(name)
        labeller.load()
        return labeller

    return make


def content(labels: PreLabels) -> object:
    """Everything in the pre-labels, comparable with ==."""
    regions = [
        (region.box, region.mask.tobytes(), region.class_name, region.score)
        for region in (*labels.regions, *labels.error_areas)
    ]
    return regions, labels.image_classes, labels.score


@every_picture
def test_regions_are_objects_of_known_classes_inside_the_picture(create: Create, picture: Image) -> None:
    labeller = create()

    for region in labeller.predict(picture).regions:
        top, left, bottom, right = region.box
        assert 0 <= top < bottom <= picture.shape[0]
        assert 0 <= left < right <= picture.shape[1]
        assert region.mask.dtype == bool
        for side in (region.mask[0], region.mask[-1], region.mask[:, 0], region.mask[:, -1]):
            assert side.any()
        assert region.class_name in labeller.classes
        assert 0 <= region.score <= 1


@every_picture
def test_regions_do_not_overlap(create: Create, picture: Image) -> None:
    covered = np.zeros(picture.shape[:2], dtype=int)
    for region in create().predict(picture).regions:
        covered += region.full_mask((picture.shape[0], picture.shape[1]))

    assert covered.max() <= 1


@every_picture
def test_statements_about_the_picture_are_of_known_classes(create: Create, picture: Image) -> None:
    labeller = create()
    labels = labeller.predict(picture)

    assert 0 <= labels.score <= 1
    for statement in labels.image_classes:
        assert statement.class_name in labeller.image_classes
        assert 0 <= statement.score <= 1


@every_picture
def test_the_picture_is_not_changed_and_a_second_look_finds_the_same(create: Create, picture: Image) -> None:
    before = picture.copy()
    picture.setflags(write=False)
    first = create().predict(picture)
    second = create().predict(picture)

    assert np.array_equal(picture, before)
    assert content(first) == content(second)


def test_a_picture_that_is_a_view_of_another_gives_the_same(create: Create) -> None:
    labeller = create()
    turned = np.rot90(discs())[::2, ::-1]

    assert content(labeller.predict(turned)) == content(labeller.predict(np.ascontiguousarray(turned)))


def test_threads_that_share_one_find_what_one_alone_finds(create: Create) -> None:
    labeller = create()
    pictures = list(PICTURES.values())
    alone = [content(labeller.predict(picture)) for picture in pictures]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(lambda picture: content(labeller.predict(picture)), pictures + pictures))

    assert together == alone + alone


@pytest.mark.parametrize("level", [0, 77, 255])
@pytest.mark.parametrize("name", PRELABELLERS.names)
def test_a_constant_picture_has_no_objects_for_whoever_has_learned_nothing(name: str, level: int) -> None:
    assert PRELABELLERS.create(name).predict(in_colour(np.full((64, 48), level))).regions == ()


def test_the_version_starts_with_the_name(create: Create) -> None:
    labeller = create()

    assert labeller.version.startswith(f"{labeller.name}-")


def test_a_picture_of_16_million_pixels_takes_seconds(create: Create) -> None:
    tiles = np.tile(in_colour(data.coins()), (14, 11, 1))[:4096, :4096]
    start = time.process_time()
    create().predict(tiles)

    assert time.process_time() - start < 10
