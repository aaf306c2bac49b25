"""Pictures of discs that only a pattern of dots sets off; the shipped click model finds single dots."""

import cv2
import numpy as np

from models.arrays import Image
from models.regions import Region
from models.training.examples import Example

SIDE = 96


def dotted_example(number: int) -> Example:
    """A picture with three objects, of random places, sizes and colours."""
    image, regions = dotted_picture(number)
    return Example(f"7-{number}", f"7-{number}", lambda: image, regions, {})


def dotted_picture(number: int) -> tuple[Image, tuple[Region, ...]]:
    """The picture, and its objects."""
    rng = np.random.default_rng(number)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    dots = (rows % 6 < 3) & (columns % 6 < 3)
    grey = int(rng.integers(60, 200))
    values = np.full((SIDE, SIDE, 1), grey, dtype=np.float64)
    regions = []
    for row, column in ((24, 24), (24, 72), (72, 48)):
        centre = (column + int(rng.integers(-4, 5)), row + int(rng.integers(-4, 5)))
        disc = np.zeros((SIDE, SIDE), dtype=np.uint8)
        cv2.circle(disc, centre, int(rng.integers(14, 20)), 1, -1)
        values[(disc > 0) & dots] = grey + (50 if grey < 130 else -50)
        region = Region.from_mask(disc > 0, "Coin")
        regions += [] if region is None else [region]
    noisy = values + rng.normal(0, 4, (SIDE, SIDE, 3))
    return np.clip(noisy, 0, 255).astype(np.uint8), tuple(regions)
