"""Prompts of simulated annotators on batches of training crops."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from models.arrays import Mask
from models.networks.clicknet import PromptTensors
from models.training.clickers import JitteredClicker

_BOX_SHARE = 0.1
_BOX_ALONE = 0.5
"""Share of objects that begin with a box, and of those that begin with nothing else."""
_BOX_JITTER = 0.06
"""Standard deviation of a box's sides, in units of the object's size."""
_SCRIBBLE_SHARE = 0.05
_SCRIBBLE_CLICKS = 8
MAX_CLICKS = 24


class SimulatedPrompts:
    """The prompts of K objects, which grow click by click.

    Args:
        objects: (K, 1, S, S) bool.
        valid: (K, 1, S, S) bool.
        seed: Of all choices.
    """

    def __init__(self, objects: Tensor, valid: Tensor, *, seed: int) -> None:
        self._device = objects.device
        self._objects = objects[:, 0].cpu().numpy()
        self._ignored = ~valid[:, 0].cpu().numpy()
        self._rng = np.random.default_rng(seed)
        self._clicker = JitteredClicker(seed=seed)
        self._clicks = np.zeros((len(objects), MAX_CLICKS, 3), dtype=np.float32)
        self._n_clicks = np.zeros(len(objects), dtype=int)
        self._boxes = np.zeros(objects.shape, dtype=np.float32)
        nothing = np.zeros_like(self._objects[0])
        for index, mask in enumerate(self._objects):
            self._begin(index, mask, nothing)

    def tensors(self, previous: Tensor) -> PromptTensors:
        """All prompts so far; `previous` is (K, 1, S, S) in {0, 1}."""
        used = max(1, int(self._n_clicks.max()))
        clicks = torch.from_numpy(self._clicks[:, :used].copy()).to(self._device)
        return PromptTensors(clicks, torch.from_numpy(self._boxes).to(self._device), previous)

    def click(self, masks: Tensor) -> None:
        """Add a click on the largest error of each mask, (K, 1, S, S) bool; none where nothing is wrong."""
        for index, mask in enumerate(masks[:, 0].cpu().numpy()):
            self._click(index, mask)

    def _begin(self, index: int, mask: Mask, nothing: Mask) -> None:
        chance = self._rng.random()
        if chance < _BOX_SHARE:
            self._boxes[index, 0] = jittered_box(mask, self._rng)
        if chance < _BOX_SHARE * _BOX_ALONE:
            return
        self._click(index, nothing)
        if self._rng.random() < _SCRIBBLE_SHARE:
            self._scribble(index, mask)

    def _click(self, index: int, mask: Mask) -> None:
        click = self._clicker.next_click(mask, self._objects[index], self._ignored[index])
        if click is not None:
            self._add(index, click.row, click.column, 1.0 if click.positive else -1.0)

    def _scribble(self, index: int, mask: Mask) -> None:
        """A straight stroke from the first click to another place of the object, where it stays inside."""
        rows, columns = np.nonzero(mask)
        end = self._rng.integers(len(rows))
        start = self._clicks[index, 0, :2]
        for part in np.linspace(0, 1, _SCRIBBLE_CLICKS)[1:]:
            row, column = np.round(start + part * (np.array([rows[end], columns[end]]) - start)).astype(int)
            if mask[row, column]:
                self._add(index, row, column, 1.0)

    def _add(self, index: int, row: float, column: float, kind: float) -> None:
        if self._n_clicks[index] < MAX_CLICKS:
            self._clicks[index, self._n_clicks[index]] = row, column, kind
            self._n_clicks[index] += 1


def jittered_box(mask: Mask, rng: np.random.Generator) -> Mask:
    """The rectangle around an object as people draw it, seldom inside the object, (h, w)."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    marked = np.zeros_like(mask)
    sides = []
    for found, size in ((rows, mask.shape[0]), (columns, mask.shape[1])):
        extent = len(range(found[0], found[-1] + 1))
        before, after = np.maximum(rng.normal(0.25, 1.0, 2), -0.7) * _BOX_JITTER * extent
        first = int(np.clip(round(found[0] - before), 0, size - 1))
        sides.append(slice(first, int(np.clip(round(found[-1] + 1 + after), first + 1, size))))
    marked[sides[0], sides[1]] = True
    return marked


def coarsened(masks: Tensor, cells: int) -> Tensor:
    """What is left of masks, (K, 1, S, S), after a detour over a grid `cells` times coarser: a first look."""
    small = functional.avg_pool2d(masks.float(), cells, ceil_mode=True)
    large = functional.interpolate(small, size=masks.shape[-2:], mode="bilinear", align_corners=False)
    return (large > 0.5).float()
