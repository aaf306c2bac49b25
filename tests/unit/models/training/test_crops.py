import numpy as np
import pytest

from models.arrays import Image, Mask
from models.training.augmentation import augment, paste_object
from models.training.crops import Crop, Labels, take_crop
from models.training.drawings import draw

SEEDS = pytest.mark.parametrize("seed", range(12))


def scene() -> tuple[Image, Labels]:
    """Two discs, white and light grey, before black."""
    rows, columns = np.ogrid[:120, :200]
    labels = np.zeros((120, 200), dtype=np.int32)
    labels[np.hypot(rows - 60, columns - 60) < 30] = 1
    labels[np.hypot(rows - 50, columns - 150) < 20] = 2
    return np.repeat(np.array([0, 255, 180], np.uint8)[labels][:, :, None], 3, axis=2), labels


def crop_of(seed: int, ignored: Mask | None = None) -> Crop:
    image, labels = scene()
    crop = take_crop(image, labels, ignored, side=64, max_objects=2, rng=np.random.default_rng(seed))
    assert crop is not None
    return crop


def brightness(crop: Crop, mask: Mask) -> float:
    return float(crop.image[mask].mean())


@SEEDS
def test_masks_cover_their_objects(seed: int) -> None:
    crop = crop_of(seed)

    assert crop.image.shape == (64, 64, 3)
    assert crop.objects.shape[1:] == crop.valid.shape == (64, 64)
    for mask in crop.objects:
        assert brightness(crop, mask) > 150
    inside: Mask = np.asarray(crop.objects.any(axis=0))
    outside = crop.valid & ~inside
    assert not outside.any() or brightness(crop, outside) < 80


def test_some_crops_show_the_whole_picture_and_some_only_a_part_of_an_object() -> None:
    shares = [crop_of(seed).objects.mean(axis=(1, 2)).max() for seed in range(60)]

    assert min(shares) < 0.1
    assert max(shares) > 0.9


@SEEDS
def test_nothing_lies_beyond_the_picture(seed: int) -> None:
    crop = crop_of(seed)

    assert not crop.image[~crop.valid].any()
    assert not (crop.objects & ~crop.valid).any()


@SEEDS
def test_pixels_of_unknown_truth_do_not_count(seed: int) -> None:
    assert not crop_of(seed, ignored=np.ones((120, 200), dtype=bool)).valid.any()


def test_the_same_seed_gives_the_same_crop() -> None:
    one, other, another = crop_of(3), crop_of(3), crop_of(4)

    assert np.array_equal(one.image, other.image)
    assert np.array_equal(one.objects, other.objects)
    assert not np.array_equal(one.image, another.image)


def test_pictures_without_objects_give_no_crop() -> None:
    image, labels = scene()
    rng = np.random.default_rng(0)

    assert take_crop(image, np.zeros_like(labels), None, side=64, max_objects=2, rng=rng) is None


@SEEDS
def test_augmented_masks_still_fit_the_picture(seed: int) -> None:
    crop = crop_of(seed)
    changed = augment(crop, np.random.default_rng(seed))
    inside: Mask = np.asarray(changed.objects.any(axis=0))
    outside: Mask = changed.valid & ~inside

    assert changed.image.shape == crop.image.shape
    assert abs(brightness(changed, inside) - brightness(changed, outside)) > 20
    assert changed.objects.sum() == crop.objects.sum()


@SEEDS
def test_a_pasted_object_hides_what_is_behind_it(seed: int) -> None:
    onto = crop_of(seed)
    white = np.full((64, 64, 3), 255, dtype=np.uint8)
    square = np.zeros((1, 64, 64), dtype=bool)
    square[0, 8:56, 8:56] = True
    pasted = paste_object(
        onto, Crop(white, square, np.ones((64, 64), dtype=bool)), np.random.default_rng(seed)
    )

    assert len(pasted.objects) <= len(onto.objects)
    if pasted is not onto:
        assert brightness(pasted, pasted.objects[0]) > 200
        assert not (pasted.objects[0] & pasted.objects[1:]).any()


@SEEDS
def test_drawings_have_objects_and_repeat(seed: int) -> None:
    image, labels = draw(96, np.random.default_rng(seed))
    again, _ = draw(96, np.random.default_rng(seed))

    assert image.shape == (96, 96, 3)
    assert labels.shape == (96, 96)
    assert np.array_equal(image, again)
