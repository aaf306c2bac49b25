"""The contract of post-processors: from regions to better regions of the same picture."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from models.arrays import Image, Mask
from models.prompts import Click
from models.regions import Region


class PostProcessor(ABC):
    """Cleans up masks. Stateless; may be shared between threads.

    Constructors take keyword hyper-parameters with defaults and do nothing else.
    """

    name: ClassVar[str]
    looks_at_picture: ClassVar[bool] = False
    """Whether the picture matters, or only its size."""

    @abstractmethod
    def process(self, regions: Sequence[Region], image: Image, clicks: Sequence[Click] = ()) -> list[Region]:
        """Return the cleaned regions.

        Args:
            regions: Objects of one picture; not modified.
            image: The picture, (H, W, 3) RGB.
            clicks: What the annotator clicked, in pixels of the picture. A pixel that was clicked as
                positive is never taken away, one clicked as negative is never added.
        """


class MaskPostProcessor(PostProcessor):
    """A post-processor that looks at one object's mask at a time."""

    @abstractmethod
    def process_mask(self, mask: Mask, clicks: Sequence[Click]) -> Mask:
        """Clean one mask.

        Args:
            mask: The object in its crop, (h, w); not modified.
            clicks: Those inside the crop, in pixels of the crop.

        Returns:
            The cleaned mask, (h, w).
        """

    def process(self, regions: Sequence[Region], image: Image, clicks: Sequence[Click] = ()) -> list[Region]:
        """Clean each region's mask on its own; a region that becomes empty is left out."""
        cleaned = []
        for region in regions:
            changed = region.with_mask(self.process_mask(region.mask, clicks_inside(region, clicks)))
            if changed is not None:
                cleaned.append(changed)
        return cleaned


@dataclass(frozen=True, eq=False)
class Window:
    """A region in the part of the picture around it.

    Attributes:
        image: (h, w, 3) RGB.
        mask: The object, (h, w); at least one pixel.
        allowed: Where it may be, (h, w): not on other objects, and not where a negative click was before.
            The object itself is allowed everywhere.
        required: Where it must stay, (h, w): its pixels that were clicked as positive.
    """

    image: Image
    mask: Mask
    allowed: Mask
    required: Mask


class OutlinePostProcessor(PostProcessor):
    """A post-processor that moves the outline of one object at a time, as far as others and clicks allow."""

    def margin(self, region: Region) -> int:
        """How far around a region's crop the picture is looked at, in pixels."""
        return 0

    @abstractmethod
    def moved(self, window: Window) -> Mask:
        """The object with its new outline, (h, w). Pixels that are not allowed are taken away afterwards."""

    def process(self, regions: Sequence[Region], image: Image, clicks: Sequence[Click] = ()) -> list[Region]:
        """Move the outlines one after the other; a region that becomes empty is left out."""
        size_hw = (image.shape[0], image.shape[1])
        covered = covered_by(regions, size_hw)
        cleaned = []
        for region in regions:
            top, left, bottom, right = region.box
            margin = self.margin(region)
            rows = slice(max(0, top - margin), min(size_hw[0], bottom + margin))
            columns = slice(max(0, left - margin), min(size_hw[1], right + margin))
            mask = np.zeros((rows.stop - rows.start, columns.stop - columns.start), dtype=bool)
            around = replace(region, mask=mask, top=rows.start, left=columns.start)
            mask[top - around.top : bottom - around.top, left - around.left : right - around.left] = (
                region.mask
            )
            others = covered[rows, columns] - mask
            window = _window(image[rows, columns], mask, others > 0, clicks_inside(around, clicks))
            changed = around.with_mask((self.moved(window) & window.allowed) | window.required)
            covered[rows, columns] = others
            if changed is not None:
                cleaned.append(changed)
                cover(covered, changed)
        return cleaned


def _window(image: Image, mask: Mask, others: Mask, clicks: Sequence[Click]) -> Window:
    refused, required = others.copy(), np.zeros_like(mask)
    for click in clicks:
        (required if click.positive else refused)[click.pixel] = True
    return Window(image, mask, mask | ~refused, mask & required)


def covered_by(regions: Sequence[Region], size_hw: tuple[int, int]) -> NDArray[np.int32]:
    """How many of the regions of a picture cover each pixel, (H, W)."""
    covered = np.zeros(size_hw, dtype=np.int32)
    for region in regions:
        cover(covered, region)
    return covered


def cover(covered: NDArray[np.int32], region: Region) -> None:
    """Count another region in."""
    top, left, bottom, right = region.box
    covered[top:bottom, left:right] += region.mask


def clicks_inside(region: Region, clicks: Sequence[Click]) -> list[Click]:
    """Return the clicks that hit a region's crop, moved into pixels of the crop."""
    top, left, bottom, right = region.box
    return [
        Click(click.row - top, click.column - left, click.positive)
        for click in clicks
        if top <= click.pixel[0] < bottom and left <= click.pixel[1] < right
    ]


def keep_clicked(keep: NDArray[np.bool_], labels: NDArray[np.int32], clicks: Sequence[Click]) -> None:
    """Mark the parts of a mask that were clicked as positive as those to keep; what lies outside is not.

    Args:
        keep: Whether to keep each part, by number; changed.
        labels: The number of each pixel's part, (h, w), 0 = outside.
        clicks: In pixels of the mask.
    """
    for click in clicks:
        if click.positive:
            keep[labels[click.pixel]] = True
    keep[0] = False
