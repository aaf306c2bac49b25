"""Parts that decoders are made of."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


class Residual(nn.Module):
    """Two convolutions beside a shortcut, (B, width, H, W) to the same; the width is a multiple of 8."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.norm = nn.GroupNorm(8, width)
        self.second = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, values: Tensor) -> Tensor:
        """Return the changed values."""
        return functional.relu(values + self.second(functional.relu(self.norm(self.first(values)))))


class Context(nn.Module):
    """Lets every place know of the whole picture, at half the resolution and by its mean."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.wide = nn.Sequential(Residual(width), Residual(width))
        self.everything = nn.Linear(width, width)

    def forward(self, values: Tensor) -> Tensor:
        """Return the values with what surrounds them added."""
        wide = self.wide(functional.avg_pool2d(values, 2, ceil_mode=True))
        wide = wide + self.everything(wide.mean((2, 3)))[:, :, None, None]
        return values + functional.interpolate(
            wide, size=values.shape[-2:], mode="bilinear", align_corners=False
        )
