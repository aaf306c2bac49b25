"""Divides regions that hold several touching objects."""

from collections.abc import Sequence

import numpy as np

from models.arrays import Image, Mask
from models.masks import components
from models.necks import split_at_necks
from models.options import check_between
from models.postprocess.base import PostProcessor, clicks_inside
from models.prompts import Click
from models.regions import Region


class SplitTouching(PostProcessor):
    """Divides a region at its necks into regions of the same class and score; no pixel is lost.

    Pieces of a region that do not touch stay one region: only a neck says that there are two objects. A
    region with a positive click inside is not divided: the annotator pointed at one object.

    Args:
        neck: A neck divides when it is narrower than this many times the smaller of the two parts, in (0, 1).
        least_radius: Parts in which no larger disc fits are never objects of their own, in pixels.

    Source: see `models.necks`.
    """

    name = "split-touching"

    def __init__(self, *, neck: float = 0.6, least_radius: float = 4.0) -> None:
        check_between("neck", neck, 0.01, 0.99)
        check_between("least_radius", least_radius, 1, 1e6)
        self._neck = neck
        self._least_radius = least_radius

    def process(self, regions: Sequence[Region], image: Image, clicks: Sequence[Click] = ()) -> list[Region]:
        """Divide each region as long as there is a neck; see the base class."""
        divided = []
        waiting = list(reversed(regions))
        while waiting:
            region = waiting.pop()
            pieces = [region.mask] if _pointed_at(region, clicks) else self._pieces(region.mask)
            parts = [part for part in map(region.with_mask, pieces) if part is not None]
            if len(parts) > 1:
                waiting += reversed(parts)
            else:
                divided += parts
        return divided

    def _pieces(self, mask: Mask) -> list[Mask]:
        """One mask per object; what no neck connects to another part belongs to the first."""
        parts = split_at_necks(mask, self._neck, self._least_radius)
        pieces, _ = components(mask)
        of_piece = np.zeros(int(parts.max()) + 1, dtype=np.int64)
        of_piece[parts[parts > 0]] = pieces[parts > 0]  # a part lies in one piece
        areas = np.bincount(parts.ravel())
        areas[0] = 0
        largest = np.zeros(int(pieces.max()) + 1, dtype=np.int64)
        smallest_first = np.argsort(areas, kind="stable")
        largest[of_piece[smallest_first]] = smallest_first
        cut_off = np.flatnonzero(largest[of_piece] != np.arange(len(areas)))
        masks = [parts == number for number in cut_off[cut_off > 0]]
        return [mask & ~np.isin(parts, cut_off[cut_off > 0]), *masks]


def _pointed_at(region: Region, clicks: Sequence[Click]) -> bool:
    return any(click.positive and region.mask[click.pixel] for click in clicks_inside(region, clicks))
