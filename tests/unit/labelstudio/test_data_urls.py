import base64
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import ImageAddressError
from backend.labelstudio.data_urls import decode_data_url
from models.errors import ImageError


@given(st.binary(max_size=200))
def test_every_way_of_writing_the_content_gives_it_back(content: bytes) -> None:
    code = base64.b64encode(content).decode()
    spaced = " ".join(code)
    for address in (
        f"data:image/png;base64,{code}",
        f"DATA:image/png;charset=x;BASE64,{code.rstrip('=')}",
        f"data:image/png;base64,{quote_from_bytes(code.encode(), safe='')}",
        f"data:image/png;base64,{spaced}",
        f"data:image/png,{quote_from_bytes(content)}",
    ):
        assert decode_data_url(address, max_bytes=200) == content


@pytest.mark.parametrize(
    "address", ["data:,hello", "data:text/html;base64,aGk=", "data:application/pdf,x", "data:"]
)
def test_only_pictures_are_taken(address: str) -> None:
    with pytest.raises(ImageAddressError, match="does not announce a picture"):
        decode_data_url(address, max_bytes=100)


@pytest.mark.parametrize("code", ["a", "a*b=", "ab=c", "äöü="])
def test_what_is_not_base64_is_refused(code: str) -> None:
    with pytest.raises(ImageError, match="does not hold base64"):
        decode_data_url(f"data:image/png;base64,{code}", max_bytes=100)


@pytest.mark.parametrize("n_bytes", [101, 100_000])
def test_contents_above_the_limit_are_refused(n_bytes: int) -> None:
    code = base64.b64encode(bytes(n_bytes)).decode()
    with pytest.raises(ImageError, match="more than 100 bytes"):
        decode_data_url(f"data:image/png;base64,{code}", max_bytes=100)
