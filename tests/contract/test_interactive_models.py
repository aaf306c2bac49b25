"""What every interactive model promises; a new member of the registry is covered without further work.

Models whose weights are fetched are tested with small random ones. What only trained weights can promise
is in test_interactive_quality.py.
"""

import math
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data

from models.arrays import Image
from models.errors import PromptError
from models.interactive import INTERACTIVE_MODELS
from models.interactive.base import InteractiveModel, Prediction
from models.prompts import Box, Click, Prompts
from tests.contract.untrained import Options
from tests.fakes.pictures import DISC, disc_picture

AnyModel = InteractiveModel[Any]


@pytest.fixture(scope="module", params=INTERACTIVE_MODELS.names)
def model(request: pytest.FixtureRequest, untrained: Mapping[str, Options]) -> Iterator[AnyModel]:
    loaded = INTERACTIVE_MODELS.create(request.param, **untrained.get(request.param, {}))
    loaded.load()
    yield loaded


def noise(height: int, width: int) -> Image:
    return np.random.default_rng(height).integers(0, 256, (height, width, 3), dtype=np.uint8)


PICTURES = {
    "disc": disc_picture(),
    "photograph": data.coffee()[:217, :331],
    "constant": np.full((60, 80, 3), 90, dtype=np.uint8),
    "noise": noise(61, 83),
    "one pixel": noise(1, 1),
    "two by two": noise(2, 2),
    "one row": noise(1, 301),
    "one column": noise(307, 1),
    "long and thin": noise(3, 1500),
    "large": np.tile(disc_picture(), (5, 6, 1)),
}
every_picture = pytest.mark.parametrize("picture", PICTURES.values(), ids=PICTURES.keys())


def some_prompts(picture: Image) -> list[Prompts]:
    """Clicks in the middle and at the borders, a box, a box that sticks out, and both."""
    height, width = picture.shape[:2]
    middle = Click(height // 2, width // 2)
    corner = Click(height - 1, width - 1, positive=False)
    box = Box(height / 4, width / 4, height * 3 / 4, width * 3 / 4)
    prompts = [Prompts((middle,)), Prompts((Click(0, 0),)), Prompts(box=box), Prompts((middle,), box)]
    prompts += [Prompts(box=Box(-5, -5, height + 5, width + 5)), Prompts(box=Box(0, 0, 1, 1))]
    if middle.pixel != corner.pixel:
        beside = Click(height // 2, width // 2 - 1, positive=False) if width > 1 else corner
        prompts += [
            Prompts((middle, corner)),
            Prompts((corner, middle), box),
            Prompts((middle, corner, beside)),
        ]
    return prompts


@every_picture
def test_masks_have_the_pictures_size_and_obey_the_clicks(model: AnyModel, picture: Image) -> None:
    embedding = model.encode(picture)
    for prompts in some_prompts(picture):
        prediction = model.segment(embedding, prompts)

        assert prediction.mask.shape == picture.shape[:2]
        assert prediction.mask.dtype == bool
        assert prediction.mask.any()
        for click in prompts.clicks:
            assert prediction.mask[click.pixel] == click.positive
        assert math.isfinite(prediction.score)
        assert 0 <= prediction.score <= 1


@every_picture
def test_a_fresh_model_gives_the_same_answers_and_leaves_the_picture_alone(
    model: AnyModel, untrained: Mapping[str, Options], picture: Image
) -> None:
    before = picture.copy()
    other = INTERACTIVE_MODELS.create(model.name, **untrained.get(model.name, {}))
    other.load()
    first, second = model.encode(picture), other.encode(picture)
    for prompts in some_prompts(picture):
        one, two = model.segment(first, prompts), other.segment(second, prompts)

        assert np.array_equal(one.mask, two.mask)
        assert one.score == two.score
    assert np.array_equal(picture, before)


@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_any_clicks_on_any_small_picture_are_obeyed(model: AnyModel, data: st.DataObject) -> None:
    height, width = data.draw(st.tuples(st.integers(1, 40), st.integers(1, 40)))
    place = st.tuples(st.integers(0, height - 1), st.integers(0, width - 1))
    places = data.draw(st.lists(place, min_size=1, max_size=6, unique=True))
    clicks = tuple(
        Click(*p, positive=index == 0 or data.draw(st.booleans())) for index, p in enumerate(places)
    )
    mask = model.segment(model.encode(noise(height, width)), Prompts(clicks)).mask

    assert mask.shape == (height, width)
    assert all(mask[click.pixel] == click.positive for click in clicks)


def test_threads_that_share_a_model_get_what_one_alone_gets(model: AnyModel) -> None:
    work = [
        (model.encode(PICTURES[name]), prompts)
        for name in ("disc", "photograph", "noise")
        for prompts in some_prompts(PICTURES[name])
    ]
    alone = [model.segment(*item) for item in work]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(lambda item: model.segment(*item), work))

    for one, other in zip(alone, together, strict=True):
        assert np.array_equal(one.mask, other.mask)
        assert one.score == other.score


def test_answers_do_not_depend_on_what_was_asked_before(model: AnyModel) -> None:
    embedding = model.encode(disc_picture())
    prompts = Prompts((Click(60, 70),))
    first = model.segment(embedding, prompts)
    model.segment(embedding, Prompts((Click(10, 150), Click(60, 70, positive=False))))
    model.segment(model.encode(noise(50, 50)), Prompts((Click(1, 1),)))

    assert np.array_equal(model.segment(embedding, prompts).mask, first.mask)


def test_an_embedding_does_not_follow_later_changes_of_the_picture(model: AnyModel) -> None:
    picture = disc_picture()
    embedding = model.encode(picture)
    prompts = Prompts((Click(60, 70),))
    before = model.segment(embedding, prompts).mask
    picture[:] = 0

    assert np.array_equal(model.segment(embedding, prompts).mask, before)


def test_a_picture_that_is_a_read_only_view_gives_the_same(model: AnyModel) -> None:
    turned = np.rot90(disc_picture())[::-1]
    turned.setflags(write=False)
    prompts = Prompts((Click(70, 60),))
    copy = np.ascontiguousarray(turned)

    assert np.array_equal(
        model.segment(model.encode(turned), prompts).mask, model.segment(model.encode(copy), prompts).mask
    )


def test_a_box_bounds_the_object(model: AnyModel) -> None:
    box = Box(30, 40, 60, 100)
    mask = model.segment(model.encode(disc_picture()), Prompts(box=box)).mask
    mask[box.slices] = False

    assert not mask.any()


def test_the_embedding_knows_the_pictures_size_and_its_own(model: AnyModel) -> None:
    small, large = model.encode(noise(50, 70)), model.encode(noise(500, 700))

    assert (small.size_hw, large.size_hw) == ((50, 70), (500, 700))
    assert 0 < small.nbytes <= large.nbytes


@pytest.mark.parametrize(
    "prompts",
    [
        Prompts(),
        Prompts((Click(5, 5, positive=False),)),
        Prompts((Click(-1, 5),)),
        Prompts((Click(5, 5), Click(120, 5, positive=False))),
        Prompts(box=Box(200, 200, 300, 300)),
        Prompts((Click(math.nan, 5),)),
    ],
    ids=["nothing", "only negative", "above", "negative below", "box beside", "not a number"],
)
def test_prompts_without_meaning_are_refused(model: AnyModel, prompts: Prompts) -> None:
    embedding = model.encode(disc_picture())

    with pytest.raises(PromptError):
        model.segment(embedding, prompts)


@every_picture
def test_a_refined_object_obeys_all_its_clicks(model: AnyModel, picture: Image) -> None:
    embedding = model.encode(picture)
    height, width = picture.shape[:2]
    clicks: tuple[Click, ...] = ()
    previous: Prediction | None = None
    for row, column, positive in [(0.5, 0.5, True), (0.1, 0.9, False), (0.6, 0.4, True), (0.9, 0.1, False)]:
        click = Click(int(row * height), int(column * width), positive)
        if click.pixel in {earlier.pixel for earlier in clicks}:
            continue
        clicks += (click,)
        previous = model.segment(embedding, Prompts(clicks), previous)

        assert previous.mask.shape == picture.shape[:2]
        assert all(previous.mask[earlier.pixel] == earlier.positive for earlier in clicks)


def test_a_mask_that_somebody_drew_can_be_refined(model: AnyModel) -> None:
    drawn = np.roll(DISC, (7, -9), axis=(0, 1))
    prompts = Prompts((Click(60, 70), Click(40, 45, positive=False)))
    embedding = model.encode(disc_picture())
    before = drawn.copy()
    refined = model.segment(embedding, prompts, Prediction(drawn, 1.0))

    assert all(refined.mask[click.pixel] == click.positive for click in prompts.clicks)
    assert np.array_equal(drawn, before)
    assert np.array_equal(refined.mask, model.segment(embedding, prompts, Prediction(drawn, 1.0)).mask)


def test_a_previous_mask_of_another_size_is_refused(model: AnyModel) -> None:
    with pytest.raises(PromptError, match="rows"):
        model.segment(
            model.encode(disc_picture()), Prompts((Click(60, 70),)), Prediction(np.ones((3, 4), bool), 1.0)
        )


def test_the_version_starts_with_the_name(model: AnyModel) -> None:
    assert model.version.startswith(f"{model.name}-")


def test_loading_twice_is_fine(model: AnyModel) -> None:
    model.load()
