"""Raises contrast everywhere by about as much as each place can bear (CLAHE)."""

import numpy as np
from numpy.typing import NDArray

from models.options import check_between
from models.preprocess.base import UnitPixels, UnitProcessor, brightness

_BINS = 256
_ROWS_AT_ONCE = 128  # bounds the memory for intermediate values


class Clahe(UnitProcessor):
    """Equalizes the histogram of each tile, with limited contrast, and blends between tiles.

    Of coloured pictures the brightness is equalized; colours keep their hue.

    Args:
        clip: Contrast grows by at most one more than this factor, in [1, 100].
        tiles: Tiles per side, 1 to 64.

    Source: Zuiderveld, "Contrast limited adaptive histogram equalization", Graphics Gems IV, 1994. Differs:
    the mapping is continuous instead of one value per bin, so 16 bits stay 16 bits. (OpenCV counts 16-bit
    pictures in 65536 bins, in which a tile has too few pixels for its clip limit to have an effect.)
    """

    name = "clahe"

    def __init__(self, *, clip: float = 2.0, tiles: int = 8) -> None:
        check_between("clip", clip, 1, 100)
        check_between("tiles", tiles, 1, 64)
        self._clip = clip
        self._tiles = tiles

    def enhance(self, image: UnitPixels) -> UnitPixels:
        """Raise the contrast; see the base class."""
        grey = brightness(image)
        rows, columns = (_Tiles(side, self._tiles) for side in grey.shape)
        maps = np.array(
            [
                [self._map(grey[top:bottom, left:right]) for left, right in columns.spans]
                for top, bottom in rows.spans
            ]
        )
        equalized = np.empty_like(grey)
        for top in range(0, grey.shape[0], _ROWS_AT_ONCE):
            strip = slice(top, top + _ROWS_AT_ONCE)
            equalized[strip] = _mapped(grey[strip], maps, rows.blend(strip), columns.blend(slice(None)))
        if image.ndim == 2:
            return equalized
        return np.asarray(image + (equalized - grey)[:, :, np.newaxis])

    def _map(self, tile: UnitPixels) -> NDArray[np.float32]:
        """Where each end of a bin goes: a rising line of `_BINS` pieces from 0 to 1."""
        shares = np.histogram(tile, bins=_BINS, range=(0, 1))[0] / tile.size
        clipped = np.minimum(shares, self._clip / _BINS)
        clipped += (1 - clipped.sum()) / _BINS
        return np.concatenate([[0.0], np.cumsum(clipped)]).astype(np.float32)


class _Tiles:
    """The tiles along one side, and how their maps blend from middle to middle."""

    def __init__(self, side: int, count: int) -> None:
        ends = np.linspace(0, side, min(count, side) + 1).round().astype(int)
        self.spans = list(zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True))
        middles = (ends[:-1] + ends[1:] - 1) / 2
        places = np.interp(np.arange(side), middles, np.arange(len(middles)))
        self._first = np.minimum(places.astype(int), max(len(middles) - 2, 0))
        self._share = (places - self._first).astype(np.float32)
        self._last = len(middles) - 1

    def blend(self, part: slice) -> tuple[NDArray[np.int_], NDArray[np.int_], NDArray[np.float32]]:
        """Per pixel of a part of the side: the tiles before and after it, and the second one's share."""
        first = self._first[part]
        return first, np.minimum(first + 1, self._last), self._share[part]


def _mapped(
    grey: UnitPixels,
    maps: NDArray[np.float32],
    rows: tuple[NDArray[np.int_], NDArray[np.int_], NDArray[np.float32]],
    columns: tuple[NDArray[np.int_], NDArray[np.int_], NDArray[np.float32]],
) -> UnitPixels:
    """Map values by their tiles' maps, (rows, columns, _BINS + 1), blended bilinearly."""
    places = grey * _BINS
    bins = np.minimum(places.astype(int), _BINS - 1)
    within = places - bins
    total = np.zeros_like(grey)
    for row_tiles, row_share in ((rows[0], 1 - rows[2]), (rows[1], rows[2])):
        for column_tiles, column_share in ((columns[0], 1 - columns[2]), (columns[1], columns[2])):
            tile_rows = row_tiles[:, np.newaxis]
            start, end = maps[tile_rows, column_tiles, bins], maps[tile_rows, column_tiles, bins + 1]
            total += (start + within * (end - start)) * row_share[:, np.newaxis] * column_share
    return total
