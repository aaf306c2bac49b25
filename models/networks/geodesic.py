"""Geodesic distances from clicks, which grow along flat colours slowly and across edges fast."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

_BASE_COST = 0.1
"""Of a step where nothing changes; a step across a mean change of colour costs 1 more."""
_ROUNDS = 4
FARTHEST = 1e3
"""Distance where no click is."""


def step_costs(image: Tensor) -> tuple[Tensor, Tensor]:
    """What a step down and a step to the right cost.

    Args:
        image: (B, C, h, w), any range.

    Returns:
        Costs of the step into each pixel from above and from the left, (B, h, w), 0 in the first row or
        column.
    """
    down = (image[:, :, 1:] - image[:, :, :-1]).square().sum(1).sqrt()
    across = (image[:, :, :, 1:] - image[:, :, :, :-1]).square().sum(1).sqrt()
    mean = (down.mean((1, 2)) + across.mean((1, 2)))[:, None, None] / 2 + 1e-3
    pad = functional.pad
    return pad(_BASE_COST + down / mean, (0, 0, 1, 0)), pad(_BASE_COST + across / mean, (1, 0))


def distances(costs: tuple[Tensor, Tensor], cells: Tensor, used: Tensor) -> Tensor:
    """Length of the cheapest path from any of the cells, along rows and columns.

    Args:
        costs: See `step_costs`.
        cells: Row and column of each cell, (B, N, 2), integers inside the grid.
        used: Which of them count, (B, N).

    Returns:
        (B, h, w), at most `FARTHEST`. Paths with more than a few turns may come out too long.

    Source: distances as in Bai and Sapiro, "A geodesic framework", ICCV 2007, given to a network as in Wang
    et al., "DeepIGeoS", TPAMI 2019, section 3.1. Differs: found by sweeps along whole rows and columns, in
    which the cheapest path is a running minimum.
    """
    down, across = costs[0].cumsum(1), costs[1].cumsum(2)
    height, width = down.shape[1:]
    flat = torch.full((len(down), height * width), FARTHEST, device=down.device)
    index = cells[..., 0] * width + cells[..., 1]
    start = torch.where(used, 0.0, FARTHEST)
    values = flat.scatter_reduce(1, index, start, "amin").view(-1, height, width)
    for _ in range(_ROUNDS):
        values = _sweep(values, across, 2)
        values = _sweep(values, down, 1)
    return values


def _sweep(values: Tensor, position: Tensor, axis: int) -> Tensor:
    """Spread distances both ways along an axis on which the pixels lie at the given positions."""
    forwards = (values - position).cummin(axis).values + position
    backwards = (values + position).flip(axis).cummin(axis).values.flip(axis) - position
    return torch.minimum(torch.minimum(forwards, backwards), values)
