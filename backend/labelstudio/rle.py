"""Label Studio's run-length code of brush masks: a bit stream, most significant bit first.

Encoded is the mask as RGBA bytes in row-major order, every pixel four times the same byte:

* 32 bits: number of values, width * height * 4;
* 5 bits: bits of one value, less one;
* 4 x 4 bits: four possible sizes of a block's length field, each less one;
* blocks until all values are out: 1 bit (1 = a run, 0 = literal values), 2 bits choosing the size of the
  length field, that field holding the length less one, then one value (run) or `length` values (literal);
* zero bits up to the next whole byte.

The code is `rle-pack` of github.com/thi-ng/umbrella, which the editor uses. It is written here again because
the SDK's `converter.brush` works on a text of zeros and ones, trusts its input and allocates whatever the
header asks for.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.errors import RequestError
from models.arrays import Mask

_CHANNELS = 4
_VALUE_BITS = 8
_LENGTH_BITS = (3, 4, 8, 16)
_LONGEST_RUN = 1 << 16
_HEADER_BITS = 32 + 5 + 4 * 4
_ON_FROM = 128
"""Alpha from which a pixel counts as inside: half covered. The editor's brush leaves antialiased edges."""


def encode(mask: Mask) -> list[int]:
    """Write a mask as the editor reads it.

    Args:
        mask: The object, (H, W); H * W * 4 must fit in 32 bits.

    Returns:
        Bytes as plain integers 0..255. The same bits as the SDK's `mask2rle(mask * 255)`, which adds a zero
        byte when the stream already ends on a byte's border.

    Raises:
        ValueError: The mask has no pixels or too many for the format.
    """
    n_values = mask.size * _CHANNELS
    if not 0 < n_values < 1 << 32:
        raise ValueError(f"A mask of {mask.shape} pixels does not fit the format's 32-bit length.")
    flat = mask.ravel()
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    starts = np.concatenate(([0], changes)).astype(np.int64)
    lengths = np.diff(np.append(starts, flat.size)) * _CHANNELS
    values = np.where(flat[starts], 255, 0).astype(np.int64)

    n_pieces = -(-lengths // _LONGEST_RUN)  # a run above 65536 values is cut, the rest comes last
    values = np.repeat(values, n_pieces)
    pieces = np.full(values.size, _LONGEST_RUN, dtype=np.int64)
    pieces[np.cumsum(n_pieces) - 1] = lengths - (n_pieces - 1) * _LONGEST_RUN

    choice = np.searchsorted(np.left_shift(1, _LENGTH_BITS), pieces)
    length_bits = np.asarray(_LENGTH_BITS, dtype=np.int64)[choice]
    blocks = ((((4 | choice) << length_bits) | (pieces - 1)) << _VALUE_BITS) | values
    header = [n_values, _VALUE_BITS - 1, *(bits - 1 for bits in _LENGTH_BITS)]
    codes = np.concatenate((np.asarray(header, dtype=np.int64), blocks))
    sizes = np.concatenate(([32, 5, 4, 4, 4, 4], 3 + length_bits + _VALUE_BITS))
    return list(_packed(codes, sizes))


def decode(rle: Sequence[int], size_hw: tuple[int, int]) -> Mask:
    """Read a brush mask from the editor, the SDK or another tool.

    Hand-drawn strokes have antialiased edges, so alpha is anything between 0 and 255: pixels that are at
    least half covered (128) belong to the object. Bytes after the last block are ignored, as in the editor.

    Args:
        rle: The bytes as integers 0..255.
        size_hw: Height and width that the mask must have; nothing larger is ever allocated.

    Returns:
        The object, (H, W).

    Raises:
        RequestError: Not a list of bytes, of another size, or cut short.
    """
    data = _as_bytes(rle)
    if len(data) * 8 < _HEADER_BITS:
        raise RequestError(f"rle: {len(data)} bytes are too few for a brush mask.")
    height, width = size_hw
    header = int.from_bytes(data[:7], "big") >> (56 - _HEADER_BITS)
    n_values = header >> 21
    if n_values != height * width * _CHANNELS:
        raise RequestError(
            f"rle: holds {n_values} values, but a picture of width {width} and height {height} has "
            f"{height * width * _CHANNELS} (width * height * {_CHANNELS})."
        )
    value_bits = (header >> 16 & 31) + 1
    length_bits = tuple((header >> shift & 15) + 1 for shift in (12, 8, 4, 0))
    return _decoded_blocks(data, n_values, value_bits, length_bits).reshape(size_hw)


def _as_bytes(rle: Any) -> bytes:
    if not isinstance(rle, list | tuple):
        raise RequestError(f"rle: expected a list of integers 0..255, got {type(rle).__name__}.")
    try:
        return bytes(rle)
    except (TypeError, ValueError) as error:
        raise RequestError(f"rle: expected a list of integers 0..255 ({error}).") from error


def _packed(codes: NDArray[np.int64], sizes: NDArray[np.int64]) -> bytes:
    """Write codes of up to 32 bits one behind the other, (N,) codes and their sizes in bits to bytes."""
    ends = np.cumsum(sizes)
    starts = ends - sizes
    n_bytes = -(-int(ends[-1]) // 8)
    first_byte = starts >> 3
    window = codes << (40 - (starts & 7) - sizes)  # a code begins in its first byte and spans five at most
    packed = np.zeros(n_bytes + 4)
    for index in range(5):
        part = window >> (32 - 8 * index) & 255
        packed += np.bincount(first_byte + index, weights=part, minlength=n_bytes + 4)
    return packed[:n_bytes].astype(np.uint8).tobytes()  # codes share bytes but no bits, so adding is joining


def _windows(data: bytes) -> NDArray[np.uint64]:
    """The 64 bits that begin at each byte, with zeros behind the end."""
    padded = np.frombuffer(data + bytes(8), dtype=np.uint8).astype(np.uint64)
    windows = np.zeros(len(data) + 1, dtype=np.uint64)
    for index in range(8):
        windows |= padded[index : index + windows.size] << np.uint64(56 - 8 * index)
    return windows


def _decoded_blocks(data: bytes, n_values: int, value_bits: int, length_bits: tuple[int, ...]) -> Mask:
    """Read all blocks; the result is flat, one entry per pixel."""
    windows = _windows(data)
    window_at = windows.tolist()  # reading single entries of a list is much faster
    n_bits = len(data) * 8
    value_mask = (1 << value_bits) - 1
    fields = [(61 - bits, (1 << bits) - 1, 3 + bits) for bits in length_bits]
    ends: list[int] = []
    inside: list[bool] = []
    literals: list[tuple[int, int, int]] = []
    position, done = _HEADER_BITS, 0
    while done < n_values:
        if position >= n_bits:
            raise RequestError(f"rle: cut short, {done} of {n_values} values are there.")
        window = window_at[position >> 3] << (position & 7)
        shift, length_mask, field_end = fields[window >> 61 & 3]
        length = (window >> shift & length_mask) + 1
        position += field_end
        if window >> 63 & 1:
            inside.append((window >> (64 - field_end - value_bits) & value_mask) >= _ON_FROM)
            position += value_bits
        else:
            inside.append(False)
            literals.append((position, done, min(done + length, n_values)))
            position += length * value_bits
        done = min(done + length, n_values)
        ends.append(done)
    if position > n_bits:
        raise RequestError(f"rle: cut short inside the last of {n_values} values.")
    # Only alpha, every fourth value, decides: the values [i, j) hold that of the pixels [i // 4, j // 4).
    pixel_ends = np.asarray(ends, dtype=np.int64) // _CHANNELS
    pixels = np.repeat(np.asarray(inside, dtype=bool), np.diff(pixel_ends, prepend=0))
    if literals and value_mask >= _ON_FROM:
        _fill_literals(pixels, windows, value_bits, np.asarray(literals, dtype=np.int64))
    return pixels


def _fill_literals(
    pixels: Mask, windows: NDArray[np.uint64], value_bits: int, literals: NDArray[np.int64]
) -> None:
    """Set the pixels of literal blocks, given as rows of first bit, first value, value after the last."""
    first_bits, first_values, end_values = literals.T
    first_pixels = first_values // _CHANNELS
    counts = end_values // _CHANNELS - first_pixels
    block_of = np.repeat(np.arange(counts.size), counts)
    pixel = np.arange(block_of.size) - np.repeat(np.cumsum(counts) - counts, counts) + first_pixels[block_of]
    value = pixel * _CHANNELS + _CHANNELS - 1
    bit = first_bits[block_of] + (value - first_values[block_of]) * value_bits
    window = windows[bit >> 3] << (bit & 7).astype(np.uint64)
    pixels[pixel] = window >> np.uint64(64 - value_bits) >= _ON_FROM
