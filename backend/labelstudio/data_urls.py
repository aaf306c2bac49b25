"""Pictures that a task carries inside their address, as data:image/png;base64,... (RFC 2397)."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import unquote_to_bytes

from backend.errors import ImageAddressError
from models.errors import ImageError

_LONGEST_CODE = 4  # characters that may stand for one byte: base64 takes 4/3, each percent-encoded three
_MAX_SHOWN = 40


def decode_data_url(address: str, *, max_bytes: int) -> bytes:
    """Return the content of a data: address; as browsers, without minding spaces or missing padding.

    Args:
        address: Begins with "data:".
        max_bytes: Largest content.

    Raises:
        ImageAddressError: Not of a media type image/...
        ImageError: Too large, or not base64 although it says so.
    """
    header, _, body = address.partition(",")
    header = header.lower()
    if not header.startswith("data:image/"):
        raise ImageAddressError(
            f"{header[:_MAX_SHOWN]!r} does not announce a picture; such an address begins with data:image/."
        )
    if len(body) > _LONGEST_CODE * max_bytes:
        raise _too_large(max_bytes)
    data = unquote_to_bytes(body)
    if header.endswith(";base64"):
        data = data.translate(None, b" \t\r\n")
        try:
            data = base64.b64decode(data + b"=" * (-len(data) % 4), validate=True)
        except binascii.Error as error:
            raise ImageError(f"The data: address does not hold base64: {error}.") from None
    if len(data) > max_bytes:
        raise _too_large(max_bytes)
    return data


def _too_large(max_bytes: int) -> ImageError:
    return ImageError(
        f"The picture in the data: address has more than {max_bytes} bytes (MASKLOOP_MAX_IMAGE_BYTES)."
    )
