"""Losses of mask logits; lower is better; ignored pixels have weight zero."""

import torch
from torch import Tensor
from torch.nn import functional

_EPS = 1e-6


def normalized_focal_loss(logits: Tensor, truth: Tensor, weight: Tensor, gamma: float = 2.0) -> Tensor:
    """Focal loss whose gradient does not fade while the mask gets better.

    Args:
        logits: (B, 1, H, W).
        truth: (B, 1, H, W) in {0, 1}.
        weight: (B, 1, H, W) in {0, 1}: which pixels count.
        gamma: How much more hard pixels count than easy ones.

    Returns:
        (B,), at least 0.

    Source: Sofiiuk et al., "AdaptIS", ICCV 2019, section 3.3; as in "Reviving iterative training with mask
    guidance", 2021, section 3.2.
    """
    losses = functional.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    hardness = (1 - torch.exp(-losses)) ** gamma * weight
    scale = weight.sum((1, 2, 3)) / (hardness.sum((1, 2, 3)).detach() + _EPS)
    count = weight.sum((1, 2, 3)) + _EPS
    return scale * (hardness * losses).sum((1, 2, 3)) / count


def dice_loss(logits: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """One minus the soft Dice coefficient, (B,), in [0, 1]; arguments as in `normalized_focal_loss`.

    Source: Milletari et al., "V-Net", 3DV 2016, section 3.
    """
    inside = torch.sigmoid(logits) * weight
    truth = truth * weight
    overlap = (inside * truth).sum((1, 2, 3))
    return 1 - (2 * overlap + 1) / (inside.sum((1, 2, 3)) + truth.sum((1, 2, 3)) + 1)
