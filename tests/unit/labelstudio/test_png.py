import base64
import io
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image as PillowImage

from backend.errors import RequestError
from backend.labelstudio import png
from models.arrays import Mask
from tests.unit.labelstudio.shapes import disc, size_of


def url_of(picture: PillowImage.Image) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


@given(arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=20)))
def test_decoding_gives_back_what_was_encoded(mask: Mask) -> None:
    np.testing.assert_array_equal(png.decode(png.encode(mask), size_of(mask)), mask)


def test_inside_is_white_and_opaque_and_outside_transparent() -> None:
    data = base64.b64decode(png.encode(np.array([[True, False]])).split(",")[1])
    with PillowImage.open(io.BytesIO(data)) as picture:
        assert picture.mode == "RGBA"
        assert picture.getpixel((0, 0)) == (255, 255, 255, 255)
        assert picture.getpixel((1, 0)) == (0, 0, 0, 0)


def test_the_colour_does_not_matter_but_half_opacity_does() -> None:
    picture = PillowImage.new("RGBA", (4, 1))
    picture.putdata([(0, 0, 0, 255), (255, 0, 0, 128), (255, 255, 255, 127), (255, 255, 255, 0)])
    np.testing.assert_array_equal(png.decode(url_of(picture), (1, 4)), [[True, True, False, False]])


@pytest.mark.parametrize("mode", ["1", "L", "RGB", "P", "I;16"])
def test_a_picture_without_transparency_is_inside_everywhere(mode: str) -> None:
    assert png.decode(url_of(PillowImage.new(mode, (5, 3))), (3, 5)).all()


def test_transparent_colours_of_a_palette_are_outside() -> None:
    picture = PillowImage.new("P", (2, 1))
    picture.putpalette([0, 0, 0, 255, 255, 255])
    picture.putpixel((1, 0), 1)
    picture.info["transparency"] = 0
    np.testing.assert_array_equal(png.decode(url_of(picture), (1, 2)), [[False, True]])


def test_another_size_is_refused_before_any_pixel_is_decoded() -> None:
    header = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 100_000, 100_000)
    url = "data:image/png;base64," + base64.b64encode(header).decode()
    with pytest.raises(RequestError, match=r"width 100000 and height 100000.* width 20 and height 10"):
        png.decode(url, (10, 20))


@pytest.mark.parametrize(
    "url",
    [
        None,
        7,
        "",
        "data:image/jpeg;base64,AAAA",
        "http://192.168.0.1/mask.png",
        "data:image/png;base64,",
        "data:image/png;base64,%%%%",
        "data:image/png;base64," + base64.b64encode(b"not a picture " * 5).decode(),
    ],
)
def test_what_is_no_png_is_refused(url: Any) -> None:
    with pytest.raises(RequestError, match="The mask"):
        png.decode(url, (2, 2))


@given(st.data())
def test_damaged_files_are_refused_or_read_but_never_crash(data: st.DataObject) -> None:
    mask = disc(40, 15)
    content = bytearray(base64.b64decode(png.encode(mask).split(",")[1]))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    kept = content[: data.draw(st.integers(1, len(content)))]
    try:
        decoded = png.decode("data:image/png;base64," + base64.b64encode(kept).decode(), size_of(mask))
    except RequestError as error:
        assert "The mask" in str(error)
    else:
        assert decoded.shape == mask.shape
