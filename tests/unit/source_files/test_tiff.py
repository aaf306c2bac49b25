from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from models.errors import ImageError
from models.preprocess.base import to_8_bit
from scripts.source_files import kind_of
from scripts.source_files.base import SourceOptions, SourcePicture
from scripts.source_files.tiff import TiffFile
from tests.fakes.source_pictures import HEIGHT, WIDTH, values

OPTIONS = SourceOptions(10_000)


def read(path: Path) -> list[SourcePicture]:
    assert kind_of(path) is TiffFile
    file = TiffFile(path, OPTIONS)
    pictures = list(file.pictures(lambda number: True))
    assert file.count() == len(pictures)
    return pictures


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("options", [{}, {"tile": (16, 16)}, {"compression": "zlib"}])
def test_values_are_read_as_they_are(tmp_path: Path, dtype: Any, options: dict[str, Any]) -> None:
    tifffile.imwrite(tmp_path / "a.tif", values(dtype, bright=250), **options)
    (picture,) = read(tmp_path / "a.tif")
    assert picture.place == ""
    assert picture.stored.dtype == dtype
    assert np.array_equal(picture.shown, values(dtype, bright=250))


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.uint32, np.float64, np.float16])
def test_other_numbers_become_floating_point(tmp_path: Path, dtype: Any) -> None:
    stored = values(dtype, bright=1000) - dtype(100) if np.dtype(dtype).kind != "u" else values(dtype)
    tifffile.imwrite(tmp_path / "a.tiff", stored)
    (picture,) = read(tmp_path / "a.tiff")
    assert picture.stored.dtype == np.float32
    assert np.array_equal(picture.shown, stored.astype(np.float32))


def test_big_endian_values_are_read(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", values(), byteorder=">")
    (picture,) = read(tmp_path / "a.tif")
    assert np.array_equal(to_8_bit(picture.shown), to_8_bit(values()))


def test_each_page_is_a_picture_and_single_ones_can_be_read(tmp_path: Path) -> None:
    stack = np.stack([values(number=number) for number in range(5)])
    tifffile.imwrite(tmp_path / "stack.tif", stack, photometric="minisblack")
    pictures = read(tmp_path / "stack.tif")
    assert [picture.place for picture in pictures] == [f"page={number}" for number in range(5)]
    assert np.array_equal(np.stack([picture.shown for picture in pictures]), stack)
    (third,) = TiffFile(tmp_path / "stack.tif", OPTIONS).pictures(lambda number: number == 3)
    assert (third.number, third.shown.tolist()) == (3, stack[3].tolist())


def test_a_stack_with_one_page_only_is_read_like_imagej_reads_it(tmp_path: Path) -> None:
    stack = np.stack([values(number=number) for number in range(4)])
    tifffile.imwrite(tmp_path / "stack.tif", stack, imagej=True, truncate=True, photometric="minisblack")
    with tifffile.TiffFile(tmp_path / "stack.tif") as file:
        assert len(file.pages) == 1
    pictures = read(tmp_path / "stack.tif")
    assert np.array_equal(np.stack([picture.shown for picture in pictures]), stack)
    assert all(picture.stored.dtype == np.uint16 for picture in pictures)


@pytest.mark.parametrize("options", [{"ome": True}, {"imagej": True}])
def test_stacks_of_microscopes_are_read_page_by_page(tmp_path: Path, options: dict[str, Any]) -> None:
    stack = np.stack([values(number=number) for number in range(6)])
    channels = stack.reshape(3, 2, HEIGHT, WIDTH)
    tifffile.imwrite(tmp_path / "stack.tif", channels, metadata={"axes": "ZCYX"}, **options)
    assert np.array_equal(np.stack([picture.shown for picture in read(tmp_path / "stack.tif")]), stack)


def test_smaller_copies_of_a_page_are_no_pictures(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "pyramid.tif") as file:
        file.write(values(), subifds=0)
        file.write(values()[::2, ::2], subfiletype=1)
    (picture,) = read(tmp_path / "pyramid.tif")
    assert picture.shown.shape == (HEIGHT, WIDTH)


@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_colours_are_read_however_they_lie(tmp_path: Path, planar: str) -> None:
    colours = np.dstack([values(), values() // 2, values() // 4])
    stored = colours if planar == "contig" else np.moveaxis(colours, 2, 0)
    tifffile.imwrite(tmp_path / "rgb.tif", stored, photometric="rgb", planarconfig=planar)
    (picture,) = read(tmp_path / "rgb.tif")
    assert np.array_equal(picture.shown, colours)


def test_further_channels_stay_for_a_step_to_choose_from(tmp_path: Path) -> None:
    channels = np.dstack([values() // number for number in range(1, 6)])
    tifffile.imwrite(tmp_path / "five.tif", channels, photometric="minisblack", planarconfig="contig")
    (picture,) = read(tmp_path / "five.tif")
    assert np.array_equal(picture.shown, channels)


def test_opacity_is_put_on_white(tmp_path: Path) -> None:
    alpha = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    colours = np.dstack([values(np.uint8, bright=255)] * 3 + [alpha])
    tifffile.imwrite(tmp_path / "rgba.tif", colours, photometric="rgb", extrasamples=["unassalpha"])
    (picture,) = read(tmp_path / "rgba.tif")
    assert (picture.shown == 255).all()


@pytest.mark.parametrize("compression", ["tiff_lzw", "jpeg", "packbits", "tiff_adobe_deflate"])
@pytest.mark.parametrize("colour", [False, True])
def test_compressions_of_other_programs_are_read(tmp_path: Path, compression: str, colour: bool) -> None:
    grey = values(np.uint8, bright=250)
    image = np.dstack([grey, grey // 2, grey // 4]) if colour else grey
    options: dict[str, Any] = {"quality": 95} if compression == "jpeg" else {}
    Image.fromarray(image).save(tmp_path / "a.tif", compression=compression, **options)
    (picture,) = read(tmp_path / "a.tif")
    assert picture.shown.shape == image.shape
    assert np.abs(picture.shown.astype(int) - image).mean() < (6 if compression == "jpeg" else 0.001)


def test_lzw_with_16_bits_and_several_pages_is_read(tmp_path: Path) -> None:
    pages = [Image.fromarray(values(number=number)) for number in range(3)]
    pages[0].save(tmp_path / "a.tif", compression="tiff_lzw", save_all=True, append_images=pages[1:])
    pictures = read(tmp_path / "a.tif")
    assert [picture.shown.tolist() for picture in pictures] == [values(number=n).tolist() for n in range(3)]


def test_palettes_become_colours(tmp_path: Path) -> None:
    palette = Image.fromarray(values(np.uint8, bright=200)).convert("P")
    palette.save(tmp_path / "p.tif")
    (picture,) = read(tmp_path / "p.tif")
    assert np.array_equal(picture.shown[:, :, 0], values(np.uint8, bright=200))


def test_yes_and_no_become_white_and_black(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "bits.tif", values() > 2000)
    (picture,) = read(tmp_path / "bits.tif")
    assert np.array_equal(picture.shown, (values() > 2000) * np.uint8(255))


def test_white_may_be_low(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "white.tif", values(), photometric="miniswhite")
    (picture,) = read(tmp_path / "white.tif")
    assert picture.inverted


def test_the_orientation_tag_turns_pages(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "turned.tif", values(), extratags=[(274, "H", 1, 8, True)])
    (picture,) = read(tmp_path / "turned.tif")
    assert np.array_equal(picture.stored, values())
    assert np.array_equal(picture.shown, np.rot90(values()))


def test_large_pages_are_refused_before_they_are_decoded(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "large.tif", shape=(5000, 5000), dtype=np.uint8)
    with pytest.raises(ImageError, match="5000 x 5000"):
        list(TiffFile(tmp_path / "large.tif", OPTIONS).pictures(lambda number: True))


def test_complex_numbers_are_no_picture(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "c.tif", values().astype(np.complex64))
    with pytest.raises(ImageError, match="complex64"):
        list(TiffFile(tmp_path / "c.tif", OPTIONS).pictures(lambda number: True))


def test_randomly_damaged_files_are_errors_and_never_something_else(tmp_path: Path) -> None:
    stack = np.stack([values(number=number) for number in range(3)])
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, stack, photometric="minisblack", compression="zlib")
    whole = path.read_bytes()
    random = np.random.default_rng(0)
    n_errors = 0
    for _ in range(150):
        damaged = bytearray(whole[: random.integers(4, len(whole))] if random.random() < 0.5 else whole)
        for _ in range(int(random.integers(0, 8))):
            damaged[random.integers(4, len(damaged))] = random.integers(256)
        path.write_bytes(damaged)
        try:
            list(TiffFile(path, OPTIONS).pictures(lambda number: True))
        except ImageError:
            n_errors += 1
    assert n_errors > 20
