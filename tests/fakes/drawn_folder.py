"""A folder of training pictures that are drawn, small and few."""

from pathlib import Path

import cv2
import numpy as np

from models.training.drawings import draw


def drawn_folder(path: Path) -> Path:
    """Fill a new folder with pairs of files and return it."""
    for kind in ("images", "masks"):
        (path / kind).mkdir(parents=True)
    for number in range(14):
        image, labels = draw(64, np.random.default_rng(number))
        cv2.imwrite(str(path / "images" / f"p{number}.png"), image)
        cv2.imwrite(str(path / "masks" / f"p{number}.png"), labels.astype(np.uint8))
    return path
