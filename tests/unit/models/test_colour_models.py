import cv2
import numpy as np

from models.arrays import Image, Mask
from models.colour_models import grab_cut
from models.metrics import iou

ROWS, COLUMNS = np.mgrid[:60, :80]
DISC: Mask = np.hypot(ROWS - 30, COLUMNS - 40) < 18
NOTHING: Mask = np.zeros((60, 80), dtype=bool)


def two_colours() -> Image:
    picture = np.where(DISC[:, :, None], (180, 60, 60), (70, 70, 160)).astype(float)
    picture += np.random.default_rng(0).normal(0, 12, picture.shape)
    return np.clip(picture, 0, 255).astype(np.uint8)


def test_a_rough_guess_is_moved_to_the_outline() -> None:
    guess = np.hypot(ROWS - 34, COLUMNS - 45) < 14

    assert iou(guess, DISC) < 0.6
    assert iou(grab_cut(two_colours(), guess, NOTHING, NOTHING, iterations=3), DISC) > 0.97


def test_sure_pixels_stay_whatever_their_colour() -> None:
    corner = (ROWS < 8) & (COLUMNS < 8)
    centre = np.hypot(ROWS - 30, COLUMNS - 40) < 5
    cut = grab_cut(two_colours(), DISC, corner, centre, iterations=2)

    assert cut[corner].all()
    assert not cut[centre].any()


def test_without_two_sides_the_guess_is_the_answer() -> None:
    assert not grab_cut(two_colours(), NOTHING, NOTHING, NOTHING, iterations=1).any()
    assert grab_cut(two_colours(), ~NOTHING, NOTHING, NOTHING, iterations=1).all()


def test_a_flat_picture_is_no_obstacle() -> None:
    flat = np.full((60, 80, 3), 9, dtype=np.uint8)

    assert grab_cut(flat, DISC, NOTHING, NOTHING, iterations=2).shape == DISC.shape


def test_the_state_of_opencvs_random_numbers_does_not_matter() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    cuts = []
    for seed in (1, 2, 3):
        cv2.setRNGSeed(seed)
        cuts.append(grab_cut(noise, DISC, NOTHING, NOTHING, iterations=2))

    assert np.array_equal(cuts[0], cuts[1])
    assert np.array_equal(cuts[0], cuts[2])
