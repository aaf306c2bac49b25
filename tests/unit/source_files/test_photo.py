from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from models.errors import ImageError
from scripts.source_files import kind_of
from scripts.source_files.base import SourceOptions, SourcePicture
from scripts.source_files.photo import PhotoFile
from tests.fakes.source_pictures import HEIGHT, WIDTH, values, write_turned_jpeg


def read(path: Path, max_pixels: int = 10_000) -> SourcePicture:
    assert kind_of(path) is PhotoFile
    (picture,) = PhotoFile(path, SourceOptions(max_pixels)).pictures(lambda number: True)
    return picture


def test_16_bit_png_keeps_all_its_bits(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "grey.png"), values())
    picture = read(tmp_path / "grey.png")
    assert picture.stored.dtype == np.uint16
    assert np.array_equal(picture.shown, values())


def test_16_bit_colours_keep_all_their_bits_and_their_order(tmp_path: Path) -> None:
    colours = np.dstack([values(), values() // 2, values() // 4])
    cv2.imwrite(str(tmp_path / "colour.png"), colours[:, :, ::-1])
    assert np.array_equal(read(tmp_path / "colour.png").shown, colours)


def test_16_bit_opacity_is_put_on_white(tmp_path: Path) -> None:
    alpha = np.full((HEIGHT, WIDTH), 65535, dtype=np.uint16)
    alpha[:, :10] = 0
    cv2.imwrite(str(tmp_path / "alpha.png"), np.dstack([values()] * 3 + [alpha]))
    shown = read(tmp_path / "alpha.png").shown
    assert (shown[:, :10] == 65535).all()
    assert np.array_equal(shown[:, 10:, 0], values()[:, 10:])


def test_grey_pictures_have_one_channel(tmp_path: Path) -> None:
    Image.fromarray(values(np.uint8, bright=255)).save(tmp_path / "grey.bmp")
    assert np.array_equal(read(tmp_path / "grey.bmp").shown, values(np.uint8, bright=255))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_jpeg_is_turned_as_the_editor_shows_it_and_known_as_it_is_stored(
    tmp_path: Path, orientation: int
) -> None:
    stored = write_turned_jpeg(tmp_path / "photo.jpg", orientation)
    picture = read(tmp_path / "photo.jpg")
    assert picture.orientation == orientation
    assert np.abs(picture.stored.astype(int) - stored).mean() < 5
    assert picture.shown.shape == ((HEIGHT, WIDTH) if orientation < 5 else (WIDTH, HEIGHT))


def test_webp_is_not_turned_because_the_editor_does_not(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(values(np.uint8)).save(tmp_path / "photo.webp", exif=exif)
    assert read(tmp_path / "photo.webp").orientation == 1


def test_a_large_picture_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "large.png"), values())
    with pytest.raises(ImageError, match="56 x 40 pixels; at most 2000"):
        read(tmp_path / "large.png", max_pixels=2000)


def test_a_deep_picture_that_is_cut_off_is_an_error(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "cut.png"), values())
    (tmp_path / "cut.png").write_bytes((tmp_path / "cut.png").read_bytes()[:60])
    with pytest.raises(ImageError, match="damaged"):
        read(tmp_path / "cut.png")
