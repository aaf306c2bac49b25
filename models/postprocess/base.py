"""The contract of post-processors: from regions to better regions of the same picture."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from models.arrays import Image, Mask
from models.prompts import Click
from models.regions import Region


class PostProcessor(ABC):
    """Cleans up masks. Stateless; may be shared between threads.

    Constructors take keyword hyper-parameters with defaults and do nothing else.
    """

    name: ClassVar[str]

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


def clicks_inside(region: Region, clicks: Sequence[Click]) -> list[Click]:
    """Return the clicks that hit a region's crop, moved into pixels of the crop."""
    top, left, bottom, right = region.box
    return [
        Click(click.row - top, click.column - left, click.positive)
        for click in clicks
        if top <= click.pixel[0] < bottom and left <= click.pixel[1] < right
    ]
