"""A U-Net with two branches: what is where, and where that is wrong."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.networks.blocks import Context, Residual
from models.networks.mobilenet_v2 import MobileNetV2

STRIDE = 16
"""Sides of the input must be multiples of this."""
Pyramid: TypeAlias = list[Tensor]
"""Features at strides 2, 4, 8, 16 and 16, finest first."""

_ERROR_WIDTHS = (64, 48, 32)
_QUALITY_FACTS = 4
_QUALITY_WIDTH = 16
_EPS_LOGIT = 1e-3
_MOST_REMEMBERED = 256
_EPS = 1e-6


@dataclass(frozen=True, eq=False)
class Segmentation:
    """What the first branch says about B pictures.

    Attributes:
        logits: Of background and classes, (B, 1 + C, H/2, W/2).
        depth: Logits of how deep inside its object each place is, (B, 1, H/2, W/2): 0 at the outline, 1 at
            the object's innermost point; outside objects they mean nothing.
    """

    logits: Tensor
    depth: Tensor


class UNet(nn.Module):
    """Segments pictures, answers questions about them, and predicts where the segmentation is wrong.

    Input: RGB, `x / 127.5 - 1`, (B, 3, H, W), sides multiples of 16. `encode` comes first; the other methods
    take its pyramid.

    Source: Ronneberger et al., "U-Net", MICCAI 2015; a second branch that predicts the errors of the first
    as in Zhang et al., "Deep-LOGISMOS SQA", 2023. The depth separates touching objects as the distance of Bai
    and Urtasun, "Deep watershed transform", CVPR 2017, does.

    Args:
        n_classes: Classes of objects; 0 for pictures that are only asked questions about.
        answers: Number of answers of each question.
        widths: Channels of the decoder at strides 16, 8, 4 and 2; multiples of 8.
    """

    def __init__(
        self,
        n_classes: int,
        answers: Sequence[int] = (),
        widths: tuple[int, int, int, int] = (96, 64, 40, 24),
    ) -> None:
        super().__init__()
        self.n_classes = n_classes
        self.answer_counts = tuple(answers)
        self.encoder = MobileNetV2()
        c2, c4, c8, c16, c32 = MobileNetV2.channels
        w16, w8, w4, w2 = widths
        self.level16 = _Level(c16 + c32, 0, w16)
        self.context = Context(w16)
        self.level8 = _Level(c8, w16, w8)
        self.level4 = _Level(c4, w8, w4)
        self.level2 = _Level(c2, w4, w2)
        self.classes = nn.Conv2d(w2, 1 + n_classes, 1)
        self.depth = nn.Conv2d(w2, 1, 1)
        self.answers = nn.Linear(2 * (c16 + c32), sum(answers)) if answers else None
        self.errors = ErrorBranch(1 + n_classes)
        self.remembered: Tensor
        self.register_buffer("remembered", torch.zeros(_MOST_REMEMBERED, c16 + c32))

    def encode(self, images: Tensor) -> Pyramid:
        """The features of pictures."""
        pyramid: Pyramid = self.encoder(images)
        return pyramid

    def segment(self, pyramid: Pyramid) -> Segmentation:
        """What is where."""
        f2, f4, f8, f16, f32 = pyramid
        values = self.context(self.level16(torch.cat([f16, f32], 1), None))
        values = self.level8(f8, values)
        values = self.level4(f4, values)
        values = self.level2(f2, values)
        return Segmentation(self.classes(values), self.depth(values))

    def answer(self, pyramid: Pyramid) -> list[Tensor]:
        """Logits of the answers to each question, each (B, answers)."""
        if self.answers is None:
            return []
        deep = torch.cat(pyramid[3:], 1)
        pooled = torch.cat([deep.mean((2, 3)), deep.amax((2, 3))], 1)
        return list(self.answers(pooled).split(self.answer_counts, dim=1))

    def embed(self, pyramid: Pyramid) -> Tensor:
        """What the pictures are like, (B, 416): the mean of the deepest features, length 1."""
        return functional.normalize(torch.cat(pyramid[3:], 1).mean((2, 3)), dim=1)

    def remember(self, embeddings: Tensor) -> None:
        """Keep what pictures are like that were learned from, (N, 416); of too many, evenly chosen ones."""
        chosen = torch.arange(_MOST_REMEMBERED) * len(embeddings) // _MOST_REMEMBERED
        self.remembered.copy_(embeddings[chosen])

    def novelty(self, embeddings: Tensor) -> Tensor:
        """How unlike all remembered pictures these are, (B,) in [0, 2]: one minus the largest cosine."""
        return 1 - (embeddings @ self.remembered.T).amax(1)


class ErrorBranch(nn.Module):
    """Predicts where a segmentation is wrong, and how good it is as a whole.

    It begins with what the probabilities of the first branch say about themselves, and learns where and when
    they are too sure of themselves or not sure enough, from the features of the picture. Attention makes it
    look where, and for the classes for which, they are undecided.

    Args:
        n_channels: Probabilities per place, background included.
    """

    def __init__(self, n_channels: int) -> None:
        super().__init__()
        _, c4, c8, c16, c32 = MobileNetV2.channels
        w16, w8, w4 = _ERROR_WIDTHS
        self.level16 = _Level(c16 + c32, 0, w16, extra=n_channels + 1)
        self.level8 = _Level(c8, w16, w8, extra=n_channels + 1)
        self.level4 = _Level(c4, w8, w4, extra=n_channels + 1)
        self.attention = nn.ModuleList(ProbabilityAttention(width, n_channels) for width in _ERROR_WIDTHS)
        self.errors = _beginning_with_zero(nn.Conv2d(w4, 1, 3, padding=1))
        hidden = nn.Linear(w4 + _QUALITY_FACTS, _QUALITY_WIDTH)
        last = _beginning_with_zero(nn.Linear(_QUALITY_WIDTH, 1))
        self.quality = nn.Sequential(hidden, nn.ReLU(), last)

    def forward(self, pyramid: Pyramid, probabilities: Tensor) -> tuple[Tensor, Tensor]:
        """Judge segmentations.

        Args:
            pyramid: From `UNet.encode`; detached, the judge does not change what it judges.
            probabilities: (B, 1 + C, H/2, W/2), sum 1 over the channels.

        Returns:
            What `error_logits` adds to the probabilities' own uncertainty, (B, 1, H/4, W/4), and logits of
            the Dice coefficient, (B,).
        """
        _, f4, f8, f16, f32 = (level.detach() for level in pyramid)
        known = torch.cat([probabilities, entropy(probabilities)], 1).detach()
        values = self._level(0, torch.cat([f16, f32], 1), None, known)
        values = self._level(1, f8, values, known)
        values = self._level(2, f4, values, known)
        correction = self.errors(values)
        errors = error_logits(known[:, :-1], correction)
        quality = self.quality(torch.cat([values.mean((2, 3)), _facts(known, errors)], 1))[:, 0]
        return correction, _dice_logit(known[:, :-1], errors) + quality

    def _level(self, index: int, features: Tensor, coarser: Tensor | None, known: Tensor) -> Tensor:
        level = (self.level16, self.level8, self.level4)[index]
        there = functional.interpolate(known, size=features.shape[-2:], mode="area")
        values: Tensor = self.attention[index](level(torch.cat([features, there], 1), coarser), there)
        return values


class ProbabilityAttention(nn.Module):
    """Weights features by place and by channel, from the probabilities of the classes.

    The weight of a place follows from the probabilities around it. The weight of a channel follows from its
    mean over each class, a place counting as much as it belongs to the class.

    Source: the idea of a spatial and channel-wise probability attention in Zhang et al., "Deep-LOGISMOS SQA",
    2023; the details are our own, after Woo et al., "CBAM", ECCV 2018.

    Args:
        width: Channels of the features.
        n_channels: Probabilities per place.
    """

    def __init__(self, width: int, n_channels: int) -> None:
        super().__init__()
        self.place = nn.Conv2d(n_channels + 1, 1, 7, padding=3)
        self.mixture = nn.Linear(n_channels, 1)
        self.channel = nn.Sequential(nn.Linear(width, width // 4), nn.ReLU(), nn.Linear(width // 4, width))

    def forward(self, values: Tensor, known: Tensor) -> Tensor:
        """Weight the values.

        Args:
            values: (B, width, h, w).
            known: Probabilities and their entropy, (B, n_channels + 1, h, w).
        """
        probabilities = known[:, :-1]
        mass = probabilities.sum((2, 3)) + _EPS
        means = torch.einsum("bchw,bkhw->bkc", values, probabilities) / mass[:, :, None]
        pooled = self.mixture(means.transpose(1, 2))[..., 0]
        by_channel = torch.sigmoid(self.channel(pooled))[:, :, None, None]
        result: Tensor = values * (1 + torch.sigmoid(self.place(known))) * (0.5 + by_channel)
        return result


def error_logits(probabilities: Tensor, correction: Tensor) -> Tensor:
    """Logits of the belief that the most probable class of a place is wrong, (B, 1, H, W).

    Args:
        probabilities: At any resolution, (B, 1 + C, H, W).
        correction: From the error branch, (B, 1, h, w).
    """
    size = probabilities.shape[-2:]
    added = functional.interpolate(correction, size=size, mode="bilinear", align_corners=False)
    return torch.logit(1 - probabilities.amax(1, keepdim=True), _EPS_LOGIT) + added


def entropy(probabilities: Tensor) -> Tensor:
    """How undecided each place is, (B, 1, H, W) in [0, 1], from probabilities (B, channels, H, W)."""
    most = math.log(max(2, probabilities.shape[1]))
    return -(probabilities * (probabilities + _EPS).log()).sum(1, keepdim=True) / most


class _Level(nn.Module):
    """One resolution of a decoder: features, and what came from the coarser level."""

    def __init__(self, features: int, coarser: int, width: int, *, extra: int = 0) -> None:
        super().__init__()
        self.features = nn.Conv2d(features + extra, width, 3 if features < 64 else 1, padding="same")
        self.coarser = nn.Conv2d(coarser, width, 1) if coarser else None
        self.norm = nn.GroupNorm(8, width)
        self.block = Residual(width)

    def forward(self, features: Tensor, coarser: Tensor | None) -> Tensor:
        values = self.features(features)
        if self.coarser is not None and coarser is not None:
            size = features.shape[-2:]
            values = values + functional.interpolate(
                self.coarser(coarser), size=size, mode="bilinear", align_corners=False
            )
        result: Tensor = self.block(functional.relu(self.norm(values)))
        return result


def _beginning_with_zero(layer: nn.Conv2d | nn.Linear) -> nn.Conv2d | nn.Linear:
    """Let a layer say nothing until it is trained."""
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def _dice_logit(probabilities: Tensor, errors: Tensor) -> Tensor:
    """Logit of the Dice coefficient if each place is wrong as often as it says, (B,)."""
    wrong = torch.sigmoid(errors)
    inside = (probabilities.argmax(1, keepdim=True) > 0).float()
    right = 2 * ((1 - wrong) * inside).sum((1, 2, 3)) + _EPS_LOGIT * wrong[0].numel()
    return torch.logit(right / (right + wrong.sum((1, 2, 3))), _EPS_LOGIT)


def _facts(known: Tensor, errors: Tensor) -> Tensor:
    """What the whole picture's judgement can start from, (B, 4)."""
    inside = 1 - known[:, :1]
    area = inside.mean((2, 3))
    unsure = known[:, -1:].mean((2, 3))
    wrong = torch.sigmoid(errors).mean((2, 3))
    return torch.cat(
        [area.sqrt(), unsure, (unsure / (area + 0.01)).log1p(), (wrong / (area + 0.01)).log1p()], 1
    )
