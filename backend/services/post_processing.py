"""What happens to every mask after the model: the chain of post-processors, and room for other objects."""

from collections.abc import Sequence

from models.arrays import Image
from models.chain_text import build_chain
from models.postprocess import POST_PROCESSORS
from models.prompts import Click, Prompts
from models.regions import Region


def post_process(
    chain: Sequence[str], regions: Sequence[Region], image: Image, clicks: Sequence[Click] = ()
) -> list[Region]:
    """Apply a chain of post-processors.

    Args:
        chain: See `models.chain_text`.
        regions: Objects of the picture.
        image: (H, W, 3) RGB.
        clicks: What the annotator clicked; positive pixels stay, negative ones stay out.

    Raises:
        UnknownNameError: A step is not a post-processor.
        OptionError: A step has no such option, or not with that value.
    """
    cleaned = list(regions)
    for step in build_chain(POST_PROCESSORS, chain):
        cleaned = step.process(cleaned, image, clicks)
    return cleaned


def keep_off(regions: Sequence[Region], others: Sequence[Region], prompts: Prompts) -> list[Region]:
    """Take from regions what other objects cover already.

    Objects that the annotator points at, with a positive click or with the middle of a box, take nothing
    away: a nucleus lies inside its cell, and a click on a labelled pixel means that this pixel is wanted.

    Args:
        regions: Answers to the prompts.
        others: Objects of the same picture that are labelled already.
        prompts: What the annotator said.

    Returns:
        The regions without those pixels; those of which nothing is left are missing.
    """
    pointed_at = [click.pixel for click in prompts.clicks if click.positive]
    if prompts.box is not None:
        rows, columns = prompts.box.slices
        pointed_at.append(((rows.start + rows.stop) // 2, (columns.start + columns.stop) // 2))
    avoided = [other for other in others if not any(_covers(other, *pixel) for pixel in pointed_at)]
    kept = (_without(region, avoided) for region in regions)
    return [region for region in kept if region is not None]


def _covers(region: Region, row: int, column: int) -> bool:
    top, left, bottom, right = region.box
    return top <= row < bottom and left <= column < right and bool(region.mask[row - top, column - left])


def _without(region: Region, others: Sequence[Region]) -> Region | None:
    mask = region.mask.copy()
    for other in others:
        top, left = max(region.top, other.top), max(region.left, other.left)
        bottom, right = min(region.box[2], other.box[2]), min(region.box[3], other.box[3])
        if top < bottom and left < right:
            covered = other.mask[top - other.top : bottom - other.top, left - other.left : right - other.left]
            mask[top - region.top : bottom - region.top, left - region.left : right - region.left] &= ~covered
    return region.with_mask(mask)
