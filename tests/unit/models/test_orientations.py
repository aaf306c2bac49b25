import io

import numpy as np
import pytest
from PIL import Image, ImageOps

from models.orientations import ORIENTATIONS, orientation_of, turned, turned_back

STORED = np.arange(12, dtype=np.uint8).reshape(3, 4)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_pictures_are_turned_as_exif_says(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    Image.fromarray(STORED).save(buffer, "PNG", exif=exif)
    shown = ImageOps.exif_transpose(Image.open(buffer))
    assert shown is not None
    assert turned(STORED, orientation).tolist() == np.asarray(shown).tolist()


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_turning_back_gives_what_was_stored(orientation: int) -> None:
    coloured = np.dstack([STORED, STORED + 20, STORED + 40])
    assert turned_back(turned(coloured, orientation), orientation).tolist() == coloured.tolist()


def test_another_orientation_is_an_error() -> None:
    with pytest.raises(ValueError, match="0 is none"):
        turned(STORED, 0)


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("rows", [1, -1])
@pytest.mark.parametrize("columns", [1, -1])
def test_every_way_of_swapping_and_reversing_has_its_orientation(
    swapped: bool, rows: int, columns: int
) -> None:
    expected = (STORED.T if swapped else STORED)[::rows, ::columns]
    number = orientation_of(swapped=swapped, rows_reversed=rows < 0, columns_reversed=columns < 0)
    assert turned(STORED, number).tolist() == expected.tolist()
