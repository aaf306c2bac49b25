"""Fills the holes inside objects that are too small to be meant."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from models.arrays import Image, Mask
from models.masks import holes
from models.options import check_between
from models.postprocess.base import PostProcessor, clicks_inside, covered_by
from models.prompts import Click
from models.regions import Region


class FillHoles(PostProcessor):
    """Fills small holes, except those that somebody or something else claims.

    A hole stays open when it holds a negative click, or a pixel of another region of the picture, such as
    a nucleus inside its cell: regions that did not overlap before do not overlap afterwards.

    Args:
        max_share: Holes larger than this share of the area inside the object's outline (object and all
            holes) stay open, in [0, 1]. The default closes what thresholds and networks leave open and
            keeps the holes of rings and handles.
    """

    name = "fill-holes"

    def __init__(self, *, max_share: float = 0.1) -> None:
        check_between("max_share", max_share, 0, 1)
        self._max_share = max_share

    def process(self, regions: Sequence[Region], image: Image, clicks: Sequence[Click] = ()) -> list[Region]:
        """Fill the holes of each region; see the base class."""
        covered = covered_by(regions, (image.shape[0], image.shape[1]))
        filled = []
        for region in regions:
            top, left, bottom, right = region.box
            others = (covered[top:bottom, left:right] > 0) & ~region.mask
            mask = self._fill(region.mask, others, clicks_inside(region, clicks))
            filled.append(replace(region, mask=mask))
        return filled

    def _fill(self, mask: Mask, others: Mask, clicks: Sequence[Click]) -> Mask:
        labels, areas = holes(mask)
        outline_area = np.count_nonzero(mask) + areas[1:].sum()
        fill = areas <= self._max_share * outline_area
        fill[labels[others]] = False
        for click in clicks:
            if not click.positive:
                fill[labels[click.pixel]] = False
        fill[0] = False
        return np.asarray(mask | fill[labels])
