"""How well a mask agrees with the truth."""

import numpy as np

from models.arrays import Mask


def iou(mask: Mask, truth: Mask) -> float:
    """Intersection over union (Jaccard index).

    Args:
        mask: Predicted object, (H, W).
        truth: Annotated object, (H, W).

    Returns:
        Value in [0, 1]; 1 = the same pixels. Two empty masks give 1, one empty mask gives 0.

    Raises:
        ValueError: The shapes differ.
    """
    both, either = _overlap(mask, truth)
    return both / either if either else 1.0


def dice(mask: Mask, truth: Mask) -> float:
    """Dice coefficient (F1 score of the pixels).

    Args:
        mask: Predicted object, (H, W).
        truth: Annotated object, (H, W).

    Returns:
        Value in [0, 1]; 1 = the same pixels. Two empty masks give 1, one empty mask gives 0.

    Raises:
        ValueError: The shapes differ.
    """
    both, either = _overlap(mask, truth)
    return 2 * both / (both + either) if either else 1.0


def _overlap(mask: Mask, truth: Mask) -> tuple[int, int]:
    """Count the pixels of the intersection and of the union."""
    if mask.shape != truth.shape:
        raise ValueError(f"The masks have different shapes, {mask.shape} and {truth.shape}.")
    return int(np.count_nonzero(mask & truth)), int(np.count_nonzero(mask | truth))
