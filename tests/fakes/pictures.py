"""Pictures with an object that nobody can miss."""

import numpy as np

from models.arrays import Image, Mask

_ROWS, _COLUMNS = np.mgrid[:120, :160]
DISC: Mask = np.hypot(_ROWS - 60, _COLUMNS - 70) < 30
"""The object of `disc_picture`."""


def disc_picture() -> Image:
    """A reddish disc on bluish ground, both a little noisy, (120, 160, 3)."""
    picture = np.where(DISC[:, :, None], (200, 60, 50), (60, 110, 160)).astype(float)
    picture += np.random.default_rng(0).normal(0, 6, picture.shape)
    return np.clip(picture, 0, 255).astype(np.uint8)
