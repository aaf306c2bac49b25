import numpy as np
from skimage import data

from models.metrics import iou
from models.prelabel.otsu import Otsu


def test_all_foreground_is_one_region() -> None:
    horse = ~data.horse()
    picture = np.full((*horse.shape, 3), (240, 250, 240), dtype=np.uint8)
    picture[horse] = (120, 60, 30)
    labels = Otsu().predict(picture)
    (region,) = labels.regions

    assert iou(region.full_mask((horse.shape[0], horse.shape[1])), horse) > 0.95
    assert region.class_name == "foreground"
    assert labels.score == region.score > 0.9
    assert [statement.class_name for statement in labels.image_classes] == ["not-empty"]


def test_an_empty_picture_says_so() -> None:
    labels = Otsu().predict(np.full((20, 30, 3), 128, dtype=np.uint8))

    assert labels.regions == ()
    assert [statement.class_name for statement in labels.image_classes] == ["empty"]
    assert labels.score == 1
