import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from models.training.prelabel_batches import Batch, draw_batch
from models.training.prelabel_samples import UNKNOWN, Sample

ROWS, COLUMNS = np.mgrid[:96, :128]
DISC = np.hypot(ROWS - 40, COLUMNS - 70) < 22
RED, BLUE = (220, 40, 40), (40, 60, 200)


def sample(key: str = "a", *answers: NDArray[np.float32] | None) -> Sample:
    """A red disc on blue ground."""
    image = np.where(DISC[:, :, None], RED, BLUE).astype(np.uint8)
    depth = np.where(DISC, 255 - 11 * np.hypot(ROWS - 40, COLUMNS - 70), 0).clip(0, 255).astype(np.uint8)
    return Sample(key, key, image, DISC.astype(np.uint8), depth, answers)


def drawn(seed: int, *, hard: bool = False, size: int = 4, crop: int = 128) -> Batch:
    return draw_batch([sample()], size, crop, np.random.default_rng(seed), hard=hard)


def test_the_same_chance_gives_the_same_batch() -> None:
    first, again, other = drawn(3), drawn(3), drawn(4)

    assert torch.equal(first.images, again.images)
    assert torch.equal(first.classes, again.classes)
    assert torch.equal(first.depth, again.depth)
    assert not torch.equal(first.images, other.images)


def test_pictures_of_a_batch_are_changed_differently() -> None:
    images = drawn(0).images

    assert len({image.numpy().tobytes() for image in images}) == len(images)


@pytest.mark.parametrize("hard", [False, True])
def test_the_truth_moves_with_the_picture(*, hard: bool) -> None:
    agreements = []
    for seed in range(12):
        batch = drawn(seed, hard=hard)
        redder = batch.images[:, 0] > batch.images[:, 2]
        known = batch.classes != UNKNOWN
        is_disc = batch.classes == 1
        agreements.append(((redder & is_disc).sum() / ((redder & known) | is_disc).sum()).item())

    assert np.median(agreements) > 0.95
    assert min(agreements) > 0.75


def empty(key: str) -> Sample:
    nothing = np.zeros((96, 128), np.uint8)
    return Sample(key, key, np.zeros((96, 128, 3), np.uint8), nothing, nothing, ())


def n_shown(samples: list[Sample], on_objects: float) -> list[int]:
    """How many pictures of each of ten batches of four show an object."""
    batches = [
        draw_batch(samples, 4, 128, np.random.default_rng(n), on_objects=on_objects) for n in range(10)
    ]
    return [int((batch.classes == 1).any(dim=(1, 2)).sum()) for batch in batches]


def test_rare_objects_are_in_half_of_a_batch() -> None:
    samples = [sample(), sample("b"), *(empty(str(number)) for number in range(18))]

    assert min(n_shown(samples, 0.5)) >= 2
    assert sum(n_shown(samples, 0.0)) < 15


def test_frequent_objects_come_as_often_as_they_are() -> None:
    samples = [*(sample(str(number)) for number in range(3)), empty("e")]

    assert n_shown(samples, 0.5) == [3] * 10


@pytest.mark.parametrize(("on_objects", "shown"), [(1.0, 1.0), (0.0, 0.5)])
def test_small_crops_show_objects_as_often_as_they_must(on_objects: float, shown: float) -> None:
    corner = np.zeros((256, 256), np.uint8)
    corner[8:20, 230:244] = 1
    image = np.zeros((256, 256, 3), np.uint8)
    samples = [Sample("a", "a", image, corner, corner, ())]
    batch = draw_batch(samples, 60, 64, np.random.default_rng(0), on_objects=on_objects)
    share = (batch.classes == 1).flatten(1).any(1).float().mean().item()

    assert share == 1 if shown == 1 else share < shown


def test_a_picture_without_objects_can_be_drawn_too() -> None:
    plane = np.zeros((96, 96), np.uint8)
    samples = [Sample("a", "a", np.zeros((96, 96, 3), np.uint8), plane, plane, ())]

    assert (draw_batch(samples, 2, 64, np.random.default_rng(0), on_objects=1.0).classes != 1).all()


def test_the_depth_moves_with_the_classes() -> None:
    batch = drawn(1)

    assert ((batch.depth[:, 0] > 0) == (batch.classes == 1)).float().mean() > 0.999
    assert 0 <= batch.depth.min() < batch.depth.max() <= 1


def test_what_lies_beside_the_picture_is_unknown() -> None:
    batch = drawn(2, crop=256)
    share = (batch.classes == UNKNOWN).float().mean()

    assert 0.5 < share < 0.95
    assert (batch.depth[:, 0][batch.classes == UNKNOWN] == 0).all()


def test_tensors_have_the_promised_shapes_and_ranges() -> None:
    batch = drawn(0, size=3, crop=64)

    assert batch.images.shape == (3, 3, 64, 64)
    assert batch.images.dtype == torch.float32
    assert -1 <= batch.images.min() < batch.images.max() <= 1
    assert batch.classes.shape == (3, 64, 64)
    assert batch.classes.dtype == torch.int64
    assert batch.depth.shape == (3, 1, 64, 64)


def test_every_picture_comes_once_before_any_comes_twice() -> None:
    answers = np.eye(3, dtype=np.float32)
    samples = [sample(str(number), answers[number]) for number in range(3)]
    ((vectors, known),) = draw_batch(samples, 3, 32, np.random.default_rng(0)).answers
    ((more, _),) = draw_batch(samples, 5, 32, np.random.default_rng(0)).answers

    assert torch.equal(vectors.sum(0), torch.ones(3))
    assert known.all()
    assert (more.sum(0) >= 1).all()
    assert len(more) == 5


def test_unanswered_questions_are_marked() -> None:
    samples = [sample("a", np.array([0, 1], np.float32), None), sample("b", None, None)]
    batch = draw_batch(samples, 2, 32, np.random.default_rng(0))
    (vectors, known), (_, nobody) = batch.answers

    assert sorted(known.tolist()) == [False, True]
    assert vectors[known].tolist() == [[0, 1]]
    assert not nobody.any()
