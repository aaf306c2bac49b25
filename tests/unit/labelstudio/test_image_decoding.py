import struct
import zlib
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from backend.labelstudio.image_decoding import decode, header
from models.errors import ImageError

MAX_PIXELS = 10_000


def encoded(picture: Image.Image | NDArray[Any], kind: str, **options: Any) -> bytes:
    buffer = BytesIO()
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def scene() -> NDArray[np.uint8]:
    """20 x 40: red top left, blue right, so that each of the eight orientations differs."""
    picture = np.full((20, 40, 3), 255, np.uint8)
    picture[:10, :20] = (255, 0, 0)
    picture[:, 30:] = (0, 0, 255)
    return picture


def orientation(value: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = value
    return exif.tobytes()


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


TURNED = {
    1: scene(),
    2: scene()[:, ::-1],
    3: scene()[::-1, ::-1],
    4: scene()[::-1],
    5: scene().transpose(1, 0, 2),
    6: np.rot90(scene(), -1),
    7: scene()[::-1, ::-1].transpose(1, 0, 2),
    8: np.rot90(scene()),
}


@pytest.mark.parametrize(("stored", "read"), [(1, 1), (6, 6), (8, 8), (0, 1), (9, 1)])
def test_the_header_tells_size_and_turn_without_decoding(stored: int, read: int) -> None:
    content = encoded(scene(), "JPEG", exif=orientation(stored))
    assert header(content[:-30]) == ((20, 40), read)


def test_what_is_no_picture_has_no_header() -> None:
    with pytest.raises(ImageError, match="not a picture"):
        header(b"no picture")


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "GIF"])
def test_lossless_formats_keep_every_pixel(kind: str) -> None:
    assert np.array_equal(decode(encoded(scene(), kind), max_pixels=MAX_PIXELS), scene())


@pytest.mark.parametrize("options", [{"lossless": True}, {"quality": 100}])
def test_webp_is_read(options: dict[str, Any]) -> None:
    pixels = decode(encoded(scene(), "WEBP", **options), max_pixels=MAX_PIXELS)
    assert np.abs(pixels[::19, ::39].astype(int) - scene()[::19, ::39]).max() <= 3


def test_jpeg_is_read_within_its_loss() -> None:
    pixels = decode(encoded(scene(), "JPEG", quality=95, subsampling=0), max_pixels=MAX_PIXELS)
    assert pixels.shape == (20, 40, 3)
    assert np.abs(pixels.astype(int) - scene()).mean() < 3


def test_pixels_are_write_protected_and_contiguous() -> None:
    pixels = decode(encoded(scene(), "PNG", exif=orientation(6)), max_pixels=MAX_PIXELS)
    assert pixels.dtype == np.uint8
    assert pixels.flags.c_contiguous
    with pytest.raises(ValueError, match="read-only"):
        pixels[0, 0] = 0


@pytest.mark.parametrize("value", range(1, 9))
def test_png_is_turned_as_exif_says(value: int) -> None:
    pixels = decode(encoded(scene(), "PNG", exif=orientation(value)), max_pixels=MAX_PIXELS)
    assert np.array_equal(pixels, TURNED[value])


@pytest.mark.parametrize("value", range(1, 9))
@pytest.mark.parametrize("big_endian", [False, True])
def test_jpeg_is_turned_as_exif_says(value: int, big_endian: bool) -> None:
    entry = struct.pack(">HHLHH" if big_endian else "<HHLHH", 0x0112, 3, 1, value, 0)
    if big_endian:
        exif = b"Exif\0\0MM\0*" + struct.pack(">LH", 8, 1) + entry + bytes(4)
    else:
        exif = b"Exif\0\0II*\0" + struct.pack("<LH", 8, 1) + entry + bytes(4)
    data = encoded(scene(), "JPEG", quality=95, subsampling=0, exif=exif)
    pixels = decode(data, max_pixels=MAX_PIXELS)
    assert pixels.shape == TURNED[value].shape
    assert np.abs(pixels.astype(int) - TURNED[value]).mean() < 3


@pytest.mark.parametrize("value", [0, 9, 60000])
def test_an_impossible_orientation_turns_nothing(value: int) -> None:
    data = encoded(scene(), "PNG", exif=orientation(value))
    assert np.array_equal(decode(data, max_pixels=MAX_PIXELS), scene())


XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" '
    'tiff:Orientation="6"/></x:xmpmeta>'
)


def png_with_text(key: str, text: str) -> bytes:
    info = PngImagePlugin.PngInfo()
    info.add_itxt(key, text)
    return encoded(scene(), "PNG", pnginfo=info)


def png_with_exif_chunk(position: int, body: bytes) -> bytes:
    plain = encoded(scene(), "PNG")
    return plain[:position] + png_chunk(b"eXIf", body) + plain[position:]


AFTER_HEADER, BEFORE_END = 33, -12


def test_a_png_with_exif_before_the_pixels_is_turned() -> None:
    data = png_with_exif_chunk(AFTER_HEADER, orientation(6)[6:])
    assert decode(data, max_pixels=MAX_PIXELS).shape == (40, 20, 3)


@pytest.mark.parametrize(
    "data",
    [
        encoded(scene(), "WEBP", lossless=True, exif=orientation(6)),
        encoded(scene(), "JPEG", xmp=XMP.encode()),
        png_with_text("XML:com.adobe.xmp", XMP),
        png_with_text("Raw profile type exif", f"\nexif\n{26:8}\n{orientation(6).hex()}\n"),
        png_with_exif_chunk(BEFORE_END, orientation(6)[6:]),
        png_with_exif_chunk(AFTER_HEADER, orientation(6)),
    ],
    ids=["webp", "jpeg-xmp", "png-xmp", "png-text", "png-late", "png-prefixed"],
)
def test_orientations_that_chromium_ignores_turn_nothing(data: bytes) -> None:
    assert decode(data, max_pixels=MAX_PIXELS).shape == (20, 40, 3)


@given(cut=st.integers(0, 25), flip=st.integers(0, 25), to=st.integers(0, 255))
def test_damaged_exif_never_stops_the_picture(cut: int, flip: int, to: int) -> None:
    exif = bytearray(orientation(6))
    exif[flip] = to
    data = png_with_exif_chunk(AFTER_HEADER, bytes(exif[6 : 6 + cut]))
    assert sorted(decode(data, max_pixels=MAX_PIXELS).shape) == [3, 20, 40]


def test_transparent_pixels_lie_on_white() -> None:
    rgba = np.zeros((4, 4, 4), np.uint8)
    rgba[0] = (255, 0, 0, 255)
    rgba[1] = (0, 0, 0, 128)
    pixels = decode(encoded(rgba, "PNG"), max_pixels=MAX_PIXELS)
    assert pixels[:3, 0].tolist() == [[255, 0, 0], [127, 127, 127], [255, 255, 255]]


@pytest.mark.parametrize("mode", ["L", "RGB", "P"])
def test_a_transparent_colour_key_lies_on_white(mode: str) -> None:
    picture = Image.new(mode, (3, 3), 0)
    key: Any = (0, 0, 0) if mode == "RGB" else 0
    assert (decode(encoded(picture, "PNG", transparency=key), max_pixels=MAX_PIXELS) == 255).all()


def test_a_palette_with_graded_transparency_lies_on_white() -> None:
    picture = Image.new("P", (2, 1))
    picture.putpalette([10, 20, 30, 0, 0, 0])
    picture.putpixel((1, 0), 1)
    data = encoded(picture, "PNG", transparency=b"\xff\x00")
    assert decode(data, max_pixels=MAX_PIXELS).tolist() == [[[10, 20, 30], [255, 255, 255]]]


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP"])
def test_black_and_white_and_grey_have_three_equal_channels(kind: str) -> None:
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    pixels = decode(encoded(grey, kind), max_pixels=MAX_PIXELS)
    assert np.array_equal(pixels, np.stack([grey] * 3, axis=2))
    bits = decode(encoded(Image.fromarray(grey > 99), kind), max_pixels=MAX_PIXELS)
    assert np.array_equal(bits[..., 1], np.where(grey > 99, 255, 0))


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_colours_are_not_inverted(kind: str) -> None:
    inks = np.zeros((16, 48, 4), np.uint8)
    inks[:, :16] = (0, 255, 255, 0)
    inks[:, 32:] = (0, 0, 0, 255)
    pixels = decode(encoded(Image.fromarray(inks, "CMYK"), kind), max_pixels=MAX_PIXELS)
    assert np.abs(pixels[8, 8::16].astype(int) - [[255, 0, 0], [255, 255, 255], [0, 0, 0]]).max() <= 4


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_are_stretched_over_the_whole_range(kind: str) -> None:
    values = np.linspace(100, 4095, 64).astype(np.uint16).reshape(8, 8)
    pixels = decode(encoded(values, kind), max_pixels=MAX_PIXELS)
    expected = np.rint((values - 100.0) * 255 / 3995)
    assert np.array_equal(pixels, np.stack([expected] * 3, axis=2))


@pytest.mark.parametrize("dtype", [np.int32, np.float32])
def test_wider_values_are_stretched_too(dtype: type) -> None:
    values: NDArray[Any] = np.array([[-1000, 0], [500, 1000]], dtype)
    pixels = decode(encoded(values, "TIFF"), max_pixels=MAX_PIXELS)
    assert pixels[..., 0].tolist() == [[0, 128], [191, 255]]


def test_infinite_values_and_gaps_do_not_spoil_the_stretch() -> None:
    values = np.array([[np.nan, -np.inf, np.inf], [0, 3e38, -3e38]], np.float32)
    pixels = decode(encoded(values, "TIFF"), max_pixels=MAX_PIXELS)
    assert pixels[..., 2].tolist() == [[0, 0, 255], [128, 255, 0]]


@pytest.mark.parametrize("value", [0.0, 7.0, np.nan])
def test_a_flat_deep_picture_is_black(value: float) -> None:
    assert not decode(encoded(np.full((3, 3), value, np.float32), "TIFF"), max_pixels=MAX_PIXELS).any()


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "PNG", "WEBP"])
def test_the_first_of_several_pictures_is_used(kind: str) -> None:
    first, second = Image.new("RGB", (8, 6), "red"), Image.new("RGB", (8, 6), "blue")
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(first, kind, save_all=True, append_images=[second], **options)
    assert decode(data, max_pixels=MAX_PIXELS)[3, 3].tolist() == [255, 0, 0]


def png_that_claims(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(100))
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + png_chunk(b"IDAT", pixels)
        + png_chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("side", [10_000, 20_000, 100_000])
def test_a_picture_that_is_too_large_is_refused_by_its_header(side: int) -> None:
    with pytest.raises(ImageError, match=f"{side} x {side} pixels.*MASKLOOP_MAX_IMAGE_PIXELS"):
        decode(png_that_claims(side, side), max_pixels=8192 * 8192)


def test_a_picture_of_just_the_allowed_size_is_read() -> None:
    data = encoded(scene(), "PNG")
    assert decode(data, max_pixels=800).shape == (20, 40, 3)
    with pytest.raises(ImageError, match="40 x 20 pixels"):
        decode(data, max_pixels=799)


def test_an_operator_may_allow_more_than_pillow_would_without_a_warning() -> None:
    with pytest.raises(ImageError, match="damaged or incomplete"):  # not too large: it is only not all there
        decode(png_that_claims(9_500, 9_500), max_pixels=9_500 * 9_500)


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "empty: 0 bytes"),
        (b"hello, world", "begins with b'hello, world'"),
        (b"<!DOCTYPE html><html>", "begins with b'<!DOCTYPE html><'"),
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b"\x89PNG\r\n\x1a\n", "header cannot be read"),
        (b"\xff\xd8\xff\xe0", "header cannot be read"),
        (b"GIF89a", "header cannot be read"),
        (b"RIFF\x04\0\0\0WEBP", "header cannot be read"),
        (b"BM" + bytes(60), "header cannot be read"),
        (b"II*\0\x08\0\0\0\0\0\0\0\0\0", "header cannot be read"),
        (b"%PDF-1.7", "not a picture in JPEG, PNG"),
        (b"8BPS\0\x01", "not a picture in JPEG, PNG"),
    ],
)
def test_what_is_not_a_picture_is_refused_with_its_beginning(data: bytes, complaint: str) -> None:
    with pytest.raises(ImageError, match=complaint):
        decode(data, max_pixels=MAX_PIXELS)


NOISE = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
FILES = {
    "JPEG": encoded(NOISE, "JPEG"),
    "progressive": encoded(NOISE, "JPEG", progressive=True),
    "PNG": encoded(NOISE, "PNG"),
    "PNG-16": encoded(NOISE[..., 0].astype(np.uint16) * 200, "PNG"),
    "WEBP": encoded(NOISE, "WEBP"),
    "GIF": encoded(NOISE, "GIF"),
    "BMP": encoded(NOISE, "BMP"),
    "TIFF": encoded(NOISE, "TIFF"),
    "TIFF-LZW": encoded(NOISE, "TIFF", compression="tiff_lzw"),
}


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("kept", [0.3, 0.6, 0.9])
@pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # some readers announce the damage before they raise
def test_a_picture_that_is_cut_off_is_refused_not_half_shown(kind: str, kept: float) -> None:
    data = FILES[kind]
    with pytest.raises(ImageError, match=r"damaged|incomplete"):
        decode(data[: int(len(data) * kept)], max_pixels=MAX_PIXELS)


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.filterwarnings("ignore")  # damage may also be announced as any warning; only errors matter here
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damage_anywhere_gives_pixels_or_an_image_error(kind: str, data: st.DataObject) -> None:
    damaged = bytearray(FILES[kind])
    for _ in range(data.draw(st.integers(1, 4))):
        # Headers and directories lie at the ends; damage there is what confuses readers.
        near_end = st.integers(0, 200) | st.integers(-200, -1) | st.integers(0, len(damaged) - 1)
        damaged[data.draw(near_end)] = data.draw(st.integers(0, 255))
    try:
        pixels = decode(bytes(damaged), max_pixels=MAX_PIXELS)
    except ImageError:
        return
    assert pixels.ndim == 3
    assert pixels.size <= 3 * MAX_PIXELS
