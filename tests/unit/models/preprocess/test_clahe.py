import cv2
import numpy as np
import skimage.data

from models.preprocess.clahe import Clahe


def test_8_bit_pictures_look_as_with_opencv() -> None:
    image = skimage.data.camera()
    theirs = cv2.createCLAHE(clipLimit=2.0, tileGridSize=(8, 8)).apply(image)
    ours = Clahe(clip=2.0, tiles=8).process(image)
    assert np.abs(theirs.astype(int) - ours).mean() < 3
    assert np.corrcoef(theirs.ravel(), ours.ravel())[0, 1] > 0.995


def test_12_bits_in_16_are_not_torn_apart_into_noise() -> None:
    noise = np.random.default_rng(0).normal(1000, 30, (256, 256))
    image = noise.round().astype(np.uint16)
    ours = Clahe(clip=2.0).process(image)
    assert ours.std() < 3.1 * image.std()
    assert cv2.createCLAHE(2.0, (8, 8)).apply(image).std() > 50 * image.std()


def test_faint_things_gain_contrast_in_dark_and_in_bright_places() -> None:
    image = np.full((128, 128), 50, dtype=np.uint8)
    image[:, 64:] = 200
    image[20:40, 20:40] += 5
    image[20:40, 84:104] += 5
    result = Clahe(clip=4.0, tiles=2).process(image).astype(int)
    for column in (0, 64):
        assert result[30, column + 30] - result[60, column + 30] > 7


def test_colours_keep_their_differences() -> None:
    grey = skimage.data.camera()[::4, ::4] // 2 + 60
    image = np.dstack([grey + 20, grey, grey - 20]).astype(np.uint8)
    result = Clahe().process(image).astype(int)
    inside = ((result > 0) & (result < 255)).all(axis=2)
    assert inside.mean() > 0.9
    assert np.abs((result[..., 0] - result[..., 2])[inside] - 40).max() <= 2
