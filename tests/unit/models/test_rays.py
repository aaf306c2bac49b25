import numpy as np

from models.metrics import iou
from models.rays import Rays

ROWS, COLUMNS = np.mgrid[:60, :80]
DISC = np.hypot(ROWS - 30, COLUMNS - 40) < 20


def test_the_rays_of_a_disc_are_as_long_as_its_radius() -> None:
    rays = Rays.of(DISC)
    assert np.allclose(rays.centre, (30, 40))
    assert np.abs(rays.radii - 20).max() < 1


def test_what_lies_within_the_rays_of_a_round_thing_is_that_thing() -> None:
    for thing in (DISC, np.hypot((ROWS - 30) / 12, (COLUMNS - 40) / 30) < 1):
        rays = Rays.of(thing)
        assert iou(rays.inside(rays.radii, thing.shape), thing) > 0.97


def test_rays_from_a_centre_outside_have_no_length() -> None:
    ring = DISC & (np.hypot(ROWS - 30, COLUMNS - 40) > 10)
    assert Rays.of(ring).radii.max() == 0


def test_samples_are_taken_along_the_rays_and_go_on_beyond_the_picture() -> None:
    rays = Rays.of(DISC)
    picture = COLUMNS.astype(np.float32)
    samples = rays.sample(picture, np.array([[0.0, 10.0, 100.0]]))
    east = int(np.argmin(abs(rays.angles)))
    assert np.allclose(samples[east], [40, 50, 79])
