"""What a pre-labeller's network is trained to make small."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from models.label_schema import LabelSchema
from models.networks.unet import Pyramid, Segmentation, UNet, error_logits
from models.training.prelabel_batches import Batch
from models.training.prelabel_samples import UNKNOWN

_DEPTH_WEIGHT = 0.5
_ANSWER_WEIGHT = 0.3
_QUALITY_WEIGHT = 0.5
_EPS = 1.0


def segmentation_loss(network: UNet, pyramid: Pyramid, batch: Batch, schema: LabelSchema) -> Tensor:
    """Of classes, depths and answers together; at least 0."""
    losses = [0 * pyramid[-1].sum()]
    if network.n_classes:
        segmentation = network.segment(pyramid)
        losses.append(_class_loss(segmentation.logits, batch.classes))
        losses.append(_DEPTH_WEIGHT * _depth_loss(segmentation, batch))
    for question, logits, (wanted, known) in zip(
        schema.questions, network.answer(pyramid), batch.answers, strict=True
    ):
        if bool(known.any()):
            losses.append(
                _ANSWER_WEIGHT * _answer_loss(logits[known], wanted[known], multiple=question.multiple)
            )
    return torch.stack(losses).sum()


def error_loss(
    network: UNet, pyramid: Pyramid, probabilities: Tensor, classes: Tensor
) -> tuple[Tensor, Tensor]:
    """How wrong the second branch is about the first; at least 0.

    Args:
        network: Its error branch is judged.
        pyramid: Features of the pictures.
        probabilities: Of another network, which has not learned from these pictures, (B, 1 + C, h, w).
        classes: The truth, (B, H, W).

    Returns:
        The loss, and the Dice coefficients that were to be predicted, (B,).
    """
    correction, quality = network.errors(pyramid, probabilities)
    logits = error_logits(probabilities, correction)
    upsampled = functional.interpolate(
        probabilities, size=classes.shape[-2:], mode="bilinear", align_corners=False
    )
    said = upsampled.argmax(1)
    known = classes != UNKNOWN
    wrong = ((said != classes) & known).float()[:, None]
    weight = functional.interpolate(known.float()[:, None], size=logits.shape[-2:], mode="area")
    share = functional.interpolate(wrong, size=logits.shape[-2:], mode="area") / weight.clamp_min(1e-3)
    by_place = functional.binary_cross_entropy_with_logits(logits, share.clamp(0, 1), reduction="none")
    places = (by_place * weight).sum() / weight.sum().clamp_min(1)
    dice = dice_per_picture(said, classes, probabilities.shape[1])
    return places + _QUALITY_WEIGHT * functional.binary_cross_entropy_with_logits(quality, dice), dice


def dice_per_picture(said: Tensor, classes: Tensor, n_channels: int) -> Tensor:
    """Mean Dice coefficient over the classes that are there or said to be, (B,); 1 if there are none.

    Args:
        said: (B, H, W).
        classes: The truth, (B, H, W); unknown pixels do not count.
        n_channels: Number of classes with the background.
    """
    known = classes != UNKNOWN
    scores, counts = torch.zeros(len(said)), torch.zeros(len(said))
    for number in range(1, n_channels):
        ours, theirs = (said == number) & known, (classes == number) & known
        total = (ours.sum((1, 2)) + theirs.sum((1, 2))).float()
        both = (ours & theirs).sum((1, 2)).float()
        scores += torch.where(total > 0, 2 * both / total.clamp_min(1), torch.zeros_like(total))
        counts += (total > 0).float()
    return torch.where(counts > 0, scores / counts.clamp_min(1), torch.ones_like(counts))


def _class_loss(logits: Tensor, classes: Tensor) -> Tensor:
    """Cross-entropy and soft Dice over the batch, at the resolution of the truth."""
    logits = functional.interpolate(logits, size=classes.shape[-2:], mode="bilinear", align_corners=False)
    known = classes != UNKNOWN
    if not bool(known.any()):
        return logits.sum() * 0
    truth = functional.one_hot(torch.where(known, classes, 0), logits.shape[1]).permute(0, 3, 1, 2)
    truth = truth * known[:, None]
    crossed = functional.cross_entropy(logits, classes, ignore_index=UNKNOWN)
    probabilities = logits.softmax(1) * known[:, None]
    both = (probabilities * truth).sum((0, 2, 3))[1:]
    total = probabilities.sum((0, 2, 3))[1:] + truth.sum((0, 2, 3))[1:]
    there = truth.sum((0, 2, 3))[1:] > 0
    overlap = (2 * both + _EPS) / (total + _EPS)
    missed = 1 - overlap[there].mean() if bool(there.any()) else total.sum() * 0
    return crossed + missed


def _depth_loss(segmentation: Segmentation, batch: Batch) -> Tensor:
    inside = (batch.depth > 0).float()
    size = segmentation.depth.shape[-2:]
    weight = functional.interpolate(inside, size=size, mode="area")
    wanted = functional.interpolate(batch.depth, size=size, mode="area") / weight.clamp_min(1e-3)
    losses = functional.binary_cross_entropy_with_logits(
        segmentation.depth, wanted.clamp(0, 1), reduction="none"
    )
    return (losses * weight).sum() / weight.sum().clamp_min(1)


def _answer_loss(logits: Tensor, wanted: Tensor, *, multiple: bool) -> Tensor:
    if multiple:
        return functional.binary_cross_entropy_with_logits(logits, wanted)
    return functional.cross_entropy(logits, wanted / wanted.sum(1, keepdim=True).clamp_min(1))
