"""MobileNetV2 as a feature pyramid, with its batch norm folded into the convolutions."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

_STEM_CHANNELS = 32
# Expansion, channels, repetitions, stride, dilation of the repetitions after the first.
_STAGES = (
    (1, 16, 1, 1, 1),
    (6, 24, 2, 2, 1),
    (6, 32, 3, 2, 1),
    (6, 64, 4, 2, 1),
    (6, 96, 3, 1, 1),
    (6, 160, 3, 1, 2),  # stride 1 and dilated instead of stride 2: "output stride 16" of DeepLab
    (6, 320, 1, 1, 2),
)
_TAPPED = (0, 1, 3, 6, 13, 17)
"""Blocks (0 = the stem) whose outputs are returned; the stem's only as part of the first level."""
_BATCH_NORM_EPS = 1e-5


class MobileNetV2(nn.Module):
    """The encoder. Input: RGB, `x / 127.5 - 1`, (B, 3, H, W), sides multiples of 16.

    The pyramid is (B, 16, H/2, W/2), (B, 24, H/4, W/4), (B, 32, H/8, W/8), (B, 96, H/16, W/16) and
    (B, 320, H/16, W/16); `channels` holds the second numbers.

    Source: Sandler et al., "MobileNetV2", CVPR 2018, table 2. Differs: the last stages are dilated instead of
    strided, as in Chen et al., "Rethinking atrous convolution", 2017, section 3.1.
    """

    channels = (16, 24, 32, 96, 320)

    def __init__(self) -> None:
        super().__init__()
        blocks: list[nn.Module] = [_Conv(3, _STEM_CHANNELS, 3, stride=2)]
        width = _STEM_CHANNELS
        for expansion, channels, repetitions, stride, dilation in _STAGES:
            for repetition in range(repetitions):
                first = repetition == 0
                # In TensorFlow's DeepLab the dilation starts after the block that lost its stride.
                own_dilation = dilation if not first or channels == 320 else 1
                blocks.append(
                    _InvertedResidual(width, channels, expansion, stride if first else 1, own_dilation)
                )
                width = channels
        self.blocks = nn.ModuleList(blocks)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return the pyramid, finest level first."""
        pyramid = []
        values = images
        for index, block in enumerate(self.blocks):
            values = block(values)
            if index in _TAPPED[1:]:
                pyramid.append(values)
        return pyramid

    def load_torchvision(self, state: Mapping[str, Tensor]) -> None:
        """Take weights with torchvision's parameter names, batch norm included; a classifier is ignored.

        Raises:
            KeyError: A layer is missing.
            RuntimeError: A layer has another shape.
        """
        folded: dict[str, Tensor] = {}
        for index, block in enumerate(self.blocks):
            prefix, target = f"features.{index}.", f"blocks.{index}."
            if isinstance(block, _InvertedResidual):
                for position, (convolution, norm) in enumerate(_torchvision_names(len(block.layers))):
                    folded |= _fold(
                        state, prefix + convolution, prefix + norm, f"{target}layers.{position}.conv"
                    )
            else:
                folded |= _fold(state, f"{prefix}0", f"{prefix}1", f"{target}conv")
        self.load_state_dict(folded)


class _Conv(nn.Module):
    """Convolution, bias and, but for projections, ReLU6; padded as TensorFlow's "SAME" does."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        size: int,
        *,
        stride: int = 1,
        dilation: int = 1,
        groups: int = 1,
        activated: bool = True,
    ) -> None:
        super().__init__()
        padding = dilation * (size // 2) if stride == 1 else 0
        self.conv = nn.Conv2d(inputs, outputs, size, stride, padding, dilation, groups)
        self.activated = activated

    def forward(self, values: Tensor) -> Tensor:
        if self.conv.stride[0] == 2:
            values = functional.pad(values, (0, 1, 0, 1))
        values = self.conv(values)
        return functional.relu6(values, inplace=True) if self.activated else values


class _InvertedResidual(nn.Module):
    """Widen, filter each channel, narrow; added to the input where the shapes allow it."""

    def __init__(self, inputs: int, outputs: int, expansion: int, stride: int, dilation: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        layers = [] if expansion == 1 else [_Conv(inputs, hidden, 1)]
        layers.append(_Conv(hidden, hidden, 3, stride=stride, dilation=dilation, groups=hidden))
        layers.append(_Conv(hidden, outputs, 1, activated=False))
        self.layers: nn.Sequential = nn.Sequential(*layers)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, values: Tensor) -> Tensor:
        result: Tensor = self.layers(values)
        return values + result if self.residual else result


def _torchvision_names(n_layers: int) -> list[tuple[str, str]]:
    """Names of the convolutions and batch norms of an inverted residual, in order."""
    inner = [(f"conv.{index}.0", f"conv.{index}.1") for index in range(n_layers - 1)]
    return [*inner, (f"conv.{n_layers - 1}", f"conv.{n_layers}")]


def _fold(state: Mapping[str, Tensor], convolution: str, norm: str, target: str) -> dict[str, Tensor]:
    weight = state[f"{convolution}.weight"].float()
    scale = state[f"{norm}.weight"].float() * torch.rsqrt(
        state[f"{norm}.running_var"].float() + _BATCH_NORM_EPS
    )
    bias = state[f"{norm}.bias"].float() - scale * state[f"{norm}.running_mean"].float()
    return {f"{target}.weight": weight * scale[:, None, None, None], f"{target}.bias": bias}
