"""The chain of post-processors that every mask passes."""

from collections.abc import Sequence

from models.arrays import Image
from models.postprocess import POST_PROCESSORS
from models.prompts import Click
from models.regions import Region


def post_process(
    names: Sequence[str], regions: Sequence[Region], image: Image, clicks: Sequence[Click] = ()
) -> list[Region]:
    """Apply the named post-processors in order.

    Args:
        names: Members of the post-processor family.
        regions: Objects of the picture.
        image: (H, W, 3) RGB.
        clicks: What the annotator clicked; positive pixels stay, negative ones stay out.

    Raises:
        UnknownNameError: A name is not a post-processor.
    """
    cleaned = list(regions)
    for name in names:
        cleaned = POST_PROCESSORS.create(name).process(cleaned, image, clicks)
    return cleaned
