"""The last step of every interactive model: what the annotator said holds, whatever the model found."""

import numpy as np

from models.arrays import Mask
from models.prompts import Prompts


def obey(mask: Mask, prompts: Prompts) -> Mask:
    """Cut the object to the box, then decide the clicked pixels.

    Args:
        mask: What a model found, (H, W); not modified.
        prompts: Prompts that fit into the picture; see `Prompts.check`.

    Returns:
        (H, W): nothing beyond the box but positive clicks; pixels of positive clicks inside, of negative
        clicks outside. Where clicks hit the same pixel, the newest counts.
    """
    obedient = np.zeros_like(mask)
    part = prompts.box.slices if prompts.box else (slice(None), slice(None))
    obedient[part] = mask[part]
    for click in prompts.clicks:
        obedient[click.pixel] = click.positive
    return obedient
