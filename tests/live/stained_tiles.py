"""A real micrograph, cut into tiles, with its stained tissue outlined."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image
from scipy import ndimage
from skimage import data
from skimage.color import rgb2hed

from tests.live.pictures import LivePicture

_SIDE = 128
_STAINED_SHARE = 0.3
_BROWN = 2
"""Channel of the diaminobenzidine stain after colour deconvolution."""


def stained_tiles() -> list[LivePicture]:
    """Sixteen tiles of colonic glands stained brown and blue, 128 x 128 pixels; `whole` is what is brown.

    A threshold finds tissue before white instead.
    """
    photograph = data.immunohistochemistry()
    brown = ndimage.gaussian_filter(rgb2hed(photograph)[..., _BROWN], 2)
    truth = brown > np.quantile(brown, 1 - _STAINED_SHARE)
    corners = [(row, column) for row in range(0, 512, _SIDE) for column in range(0, 512, _SIDE)]
    tiles = []
    for top, left in corners:
        place = np.s_[top : top + _SIDE, left : left + _SIDE]
        file = io.BytesIO()
        Image.fromarray(photograph[place]).save(file, "PNG")
        whole = np.ascontiguousarray(truth[place])
        nothing = np.zeros_like(whole)
        tiles.append(LivePicture(f"glands-{top}-{left}.png", file.getvalue(), whole, nothing, nothing))
    return tiles
