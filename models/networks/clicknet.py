"""ClickNet: an image pyramid that prompts are joined to at every level of the decoder."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.networks.blocks import Context, Residual
from models.networks.geodesic import distances, step_costs
from models.networks.mobilenet_v2 import MobileNetV2

STRIDE = 16
"""Sides of the input must be multiples of this."""
_NEAR_SIGMA = 3.0
"""Width of the narrow bump around a click, in pixels of the input."""
_FAR_SCALE = 40.0
"""Decay length of the wide bump around a click, in pixels of the input."""
_NOWHERE = 1e4
"""Distance to a click that does not exist, in pixels of the input."""
_SIMILARITY_CHANNELS = 32
_REACHES = (3.0, 10.0, 40.0)
"""Decay lengths of the nearness to clicks, in geodesic units."""
_POSITION_CHANNELS = 6
_NEARNESS_CHANNELS = 2 * len(_REACHES) + 1
_SIMILARITY_MAPS = 4
_SHARPNESS = 8.0
"""Factor on cosines before the exponential of a similarity."""


@dataclass(frozen=True, eq=False)
class PromptTensors:
    """The prompts of B objects.

    Attributes:
        clicks: (B, N, 3): row and column in pixels of the input, and the kind: 1 = on the object, -1 = beside
            it, 0 = unused.
        box: (B, 1, H, W) in {0, 1}: the inside of a box; zero when there is none.
        previous: (B, 1, H, W) in [0, 1]: the mask before the newest click; zero when there is none.
    """

    clicks: Tensor
    box: Tensor
    previous: Tensor

    def to(self, device: torch.device) -> PromptTensors:
        """The same on a device."""
        return PromptTensors(self.clicks.to(device), self.box.to(device), self.previous.to(device))


class ClickNet(nn.Module):
    """From an image pyramid and prompts to one object; see `encode` and `decode`.

    The image passes through the encoder alone, so that its pyramid can be kept between clicks. Each decoder
    level sees where clicks, box and previous mask are, how near each place is to the clicks along flat
    colours, and how alike it looks.

    Source: late fusion as in Huang et al., "InterFormer", ICCV 2023, section 3; the previous mask as input as
    in Sofiiuk et al., "Reviving iterative training with mask guidance", 2021, section 3. Similarities to
    clicked features as decoder input are our own.

    Args:
        widths: Channels of the decoder at strides 16, 8, 4 and 2; multiples of 8.
    """

    def __init__(self, widths: tuple[int, int, int, int] = (96, 64, 40, 16)) -> None:
        super().__init__()
        self.encoder = MobileNetV2()
        c2, c4, c8, c16, c32 = MobileNetV2.channels
        w16, w8, w4, w2 = widths
        self.level16 = _Level(c16 + c32, 0, w16, blocks=2)
        self.context = Context(w16)
        self.level8 = _Level(c8, w16, w8, blocks=2)
        self.level4 = _Level(c4 + 3, w8, w4, blocks=1)
        self.level2 = _Level(c2 + 3, w4, w2, blocks=1, similar=False)
        self.mask = nn.Conv2d(w2, 1, 3, padding=1)
        self.quality = nn.Sequential(nn.Linear(w16 + 4, 32), nn.ReLU(), nn.Linear(32, 1))

    def encode(self, images: Tensor) -> list[Tensor]:
        """From RGB in [-1, 1], (B, 3, H, W), to features at strides 2, 4, 8 and 16."""
        f2, f4, f8, f16, f32 = self.encoder(images)
        half = functional.avg_pool2d(images, 2)
        quarter = functional.avg_pool2d(half, 2)
        return [torch.cat([f2, half], 1), torch.cat([f4, quarter], 1), f8, torch.cat([f16, f32], 1)]

    def decode(self, pyramid: list[Tensor], prompts: PromptTensors) -> tuple[Tensor, Tensor]:
        """Find the objects.

        Returns:
            Logits of the mask, (B, 1, H, W), and of the predicted IoU, (B,).
        """
        f2, f4, f8, f16 = pyramid
        nearness = _nearness(f4[:, -3:], prompts)
        values = self.level16(f16, None, prompts, nearness)
        values = coarse = self.context(values)
        values = self.level8(f8, values, prompts, nearness)
        values = self.level4(f4, values, prompts, nearness)
        values = self.level2(f2, values, prompts, nearness)
        half = self.mask(values)
        logits = functional.interpolate(half, scale_factor=2.0, mode="bilinear", align_corners=False)
        return logits, self._quality(coarse, half)

    def _quality(self, coarse: Tensor, logits: Tensor) -> Tensor:
        inside = torch.sigmoid(logits.detach())
        weight = functional.interpolate(inside, size=coarse.shape[-2:], mode="area")
        mass = weight.sum((2, 3)) + 1e-3
        pooled = (coarse.detach() * weight).sum((2, 3)) / mass
        unsure = 4 * inside * (1 - inside)
        area = inside.mean((2, 3))
        edge = unsure.mean((2, 3))
        facts = [area.sqrt(), edge, edge / (area + 1e-3).sqrt(), (inside > 0.5).float().mean((2, 3)).sqrt()]
        quality: Tensor = self.quality(torch.cat([pooled, *facts], 1))[:, 0]
        return quality


class _Level(nn.Module):
    """One resolution of the decoder: features, what came from the coarser level, and the prompts."""

    def __init__(self, features: int, coarser: int, width: int, *, blocks: int, similar: bool = True) -> None:
        super().__init__()
        self.features = nn.Conv2d(features, width, 1)
        self.coarser = nn.Conv2d(coarser, width, 1) if coarser else None
        self.descriptors = nn.Conv2d(features, _SIMILARITY_CHANNELS, 1) if similar else None
        maps = _POSITION_CHANNELS + _NEARNESS_CHANNELS + (_SIMILARITY_MAPS if similar else 0)
        self.prompts = nn.Conv2d(maps, width, 3, padding=1)
        self.norm = nn.GroupNorm(8, width)
        self.blocks = nn.Sequential(*(Residual(width) for _ in range(blocks)))

    def forward(
        self, features: Tensor, coarser: Tensor | None, prompts: PromptTensors, nearness: Tensor
    ) -> Tensor:
        size = features.shape[-2:]
        mode = "bilinear" if size[0] > nearness.shape[-2] else "area"
        maps = [_positions(prompts, size), functional.interpolate(nearness, size=size, mode=mode)]
        if self.descriptors is not None:
            maps.append(_similarities(self.descriptors(features), prompts, maps[0][:, 5:6]))
        values = self.features(features) + self.prompts(torch.cat(maps, 1))
        if self.coarser is not None and coarser is not None:
            values = values + functional.interpolate(
                self.coarser(coarser), size=size, mode="bilinear", align_corners=False
            )
        result: Tensor = self.blocks(functional.relu(self.norm(values)))
        return result


def _positions(prompts: PromptTensors, size: torch.Size) -> Tensor:
    """Where the prompts are, (B, 6, h, w): narrow and wide bumps of either kind of click, box, previous."""
    step = prompts.box.shape[-2] / size[0]
    rows = (torch.arange(size[0], device=prompts.clicks.device) + 0.5) * step - 0.5
    columns = (torch.arange(size[1], device=prompts.clicks.device) + 0.5) * step - 0.5
    down = (rows[None, None] - prompts.clicks[:, :, :1]) ** 2
    across = (columns[None, None] - prompts.clicks[:, :, 1:2]) ** 2
    squares = down[:, :, :, None] + across[:, :, None, :]
    maps = []
    for kind in (1, -1):
        unused = (prompts.clicks[:, :, 2] != kind)[:, :, None, None]
        nearest = squares.masked_fill(unused, _NOWHERE**2).amin(1)
        sigma = max(_NEAR_SIGMA, step / 2)
        maps += [torch.exp(-nearest / (2 * sigma**2)), torch.exp(-nearest.sqrt() / _FAR_SCALE)]
    maps += [
        functional.interpolate(channel, size=size, mode="area")[:, 0]
        for channel in (prompts.box, prompts.previous)
    ]
    return torch.stack(maps, 1)


def _nearness(image: Tensor, prompts: PromptTensors) -> Tensor:
    """How near each place is to the clicks along flat colours, (B, 7, h, w) in [0, 1].

    For either kind of click its nearness at three scales, then which kind is nearer.
    """
    with torch.no_grad():
        costs = step_costs(image)
        step = prompts.box.shape[-2] / image.shape[-2]
        last = torch.tensor([image.shape[-2] - 1, image.shape[-1] - 1], device=image.device)
        cells = torch.minimum((prompts.clicks[..., :2] / step).long().clamp_min(0), last)
        near, far = (distances(costs, cells, prompts.clicks[..., 2] == kind) for kind in (1, -1))
        maps = [torch.exp(-field / reach) for field in (near, far) for reach in _REACHES]
        return torch.stack([*maps, (far + 1) / (near + far + 2)], 1)


def _similarities(descriptors: Tensor, prompts: PromptTensors, previous: Tensor) -> Tensor:
    """How alike each place is to the clicked ones and to the previous mask, (B, 4, h, w) in [0, 1]."""
    descriptors = functional.normalize(descriptors, dim=1)
    height, width = prompts.box.shape[-2:]
    places = torch.stack(
        [(2 * prompts.clicks[:, :, 1] + 1) / width - 1, (2 * prompts.clicks[:, :, 0] + 1) / height - 1], -1
    )
    clicked = functional.grid_sample(
        descriptors, places[:, :, None], align_corners=False, padding_mode="border"
    )[..., 0]
    cosines = torch.einsum("bcn,bchw->bnhw", clicked, descriptors)
    kinds = prompts.clicks[:, :, 2, None, None]
    maps = [cosines.masked_fill(kinds != kind, -1.0).amax(1) for kind in (1, -1)]
    for region in (previous, 1 - previous):
        there = previous.amax((2, 3), keepdim=True) > 0
        mean = functional.normalize((descriptors * region).sum((2, 3), keepdim=True), dim=1)
        maps.append(((descriptors * mean).sum(1) + 1) * there[:, 0] - 1)
    return torch.exp(_SHARPNESS * (torch.stack(maps, 1) - 1))
