import numpy as np
import pytest

from models.errors import ImageError
from models.prelabel.neighbours import carried_over
from models.regions import Region
from tests.fakes.moving_disc import SIZE_HW, disc_frame, disc_mask


def disc(number: int) -> Region:
    region = Region.from_mask(disc_mask(number), "Disc")
    assert region is not None
    return region


@pytest.mark.parametrize("number", [3, 5, 9])
def test_objects_are_taken_over_to_where_they_are(number: int) -> None:
    found = carried_over([disc(4)], disc_frame(4), disc_frame(number))
    assert found is not None
    (region,) = found.regions
    assert region.iou(disc(number)) > 0.9
    assert (region.class_name, found.image_classes, found.score) == ("Disc", (), region.score)


def test_nothing_is_taken_over_where_the_motion_is_not_certain() -> None:
    elsewhere = np.random.default_rng(5).integers(0, 255, (*SIZE_HW, 3), dtype=np.uint8)
    assert carried_over([disc(4)], disc_frame(4), elsewhere) is None


def test_an_empty_neighbour_says_nothing_about_what_comes_into_view() -> None:
    assert carried_over([], disc_frame(4), disc_frame(5)) is None


def test_pictures_of_two_sizes_are_refused() -> None:
    with pytest.raises(ImageError, match="one size"):
        carried_over([disc(4)], disc_frame(4), disc_frame(5)[:60])
