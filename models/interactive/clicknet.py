"""The click model that is shipped: looks at the whole picture, then closely at the object."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.arrays import Image, Mask
from models.devices import best_device, bf16_is_fast
from models.errors import WeightsError
from models.interactive.base import Embedding, InteractiveModel, Prediction
from models.interactive.obedience import obey
from models.interactive.outline_shift import OutlineShift
from models.interactive.views import View, pyramid_of
from models.masks import components
from models.networks.clicknet import STRIDE, ClickNet, PromptTensors
from models.prompts import Prompts
from models.regions import Region
from models.shipped_encoder import CLICKNET
from models.state_dicts import load_weights
from models.weights_files import file_sha256

WEIGHTS = CLICKNET
"""The shipped weights."""
RECIPE = WEIGHTS.with_suffix(".recipe.json")
"""What they were trained on."""

_MARGIN = 1.4
"""Side of a close view in units of what it must show."""
_GUESS_MARGIN = 2.0
"""The same for an object so small in the last view that its size is a guess."""
_WIDE_MARGIN = 3.0
"""The same for an object that the last view cut off."""
_SMALLEST_VIEW = 32
"""Side of the smallest view, in pixels of the picture."""
_GUESSED = 0.12
"""Objects smaller than this share of a view are guesses."""
_LARGEST_STEP = 8
"""A view is at most this many times smaller than the one before."""
_SAME_VIEW = 0.3
"""Overlap of two views (IoU) from which a second look shows nothing new."""
_MOST_LOOKS = 4
_MOST_LOOKS_AGAIN = 2
"""The same when there is a previous mask."""

Values = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class ClickNetEmbedding(Embedding):
    """The picture, its halves, and the features of the whole.

    Attributes:
        pyramid: (H, W, 3), (H/2, W/2, 3), ...
        view: The whole picture in the network's grid.
        features: Of the whole picture; see `ClickNet.encode`.
    """

    pyramid: tuple[Image, ...]
    view: View
    features: list[Tensor]

    @property
    def nbytes(self) -> int:
        """Memory it holds, for the byte-bounded cache."""
        levels = sum(level.nbytes for level in self.pyramid)
        return levels + sum(int(part.nbytes) for part in self.features)


class ClickNetModel(InteractiveModel[ClickNetEmbedding]):
    """Finds objects with a small network. Stateless once loaded; may be shared between threads.

    The first look is at the whole picture, whose features are part of the embedding, or at the surroundings
    of the previous mask or the box. Each further look is at the surroundings of what was found, enlarged to
    the network's grid, until that shows nothing new. What lies outside all views stays as it was before.
    Clicks just beside an outline move all of it, see `OutlineShift`. Where nothing is found in a box, the
    whole box is the answer.

    Source: a coarse and a close look as in Chen et al., "FocalClick", CVPR 2022, section 3.1, and the zoom-in
    of Sofiiuk et al., "f-BRS", CVPR 2020, section 4.

    Args:
        weights: A safetensors file; None for the shipped one.
        version: What these weights are called; None makes a name of their content.
        side: Longer side of the grid in pixels, a multiple of 16.
    """

    name = "clicknet"
    version = "clicknet-2"

    def __init__(self, *, weights: Path | None = None, version: str | None = None, side: int = 192) -> None:
        self._weights = weights or WEIGHTS
        self._given_version = version
        self.version = version or type(self).version
        self._side = side
        self._network: ClickNet | None = None
        self._device = best_device()
        self._autocast = bf16_is_fast(self._device)

    def load(self) -> None:
        """Read the weights; see the base class. The version then names their content."""
        if self._network is not None:
            return
        network = ClickNet()
        load_weights(network, self._weights)
        moved = network.eval().to(self._device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        if self._given_version is None:
            self.version = f"{type(self).version}-{file_sha256(self._weights)[:8]}"
        self._network = moved

    def encode(self, image: Image) -> ClickNetEmbedding:
        """Copy the picture and its reductions, and look at the whole; see the base class."""
        height, width = image.shape[:2]
        view = View.of(0, 0, height, width, self._side, enlarge=True)
        pyramid = pyramid_of(image, self._side)
        return ClickNetEmbedding((height, width), pyramid, view, self._features(view, pyramid))

    def segment(
        self, embedding: ClickNetEmbedding, prompts: Prompts, previous: Prediction | None = None
    ) -> Prediction:
        """Find the object; see the base class. The score is the network's own estimate."""
        prompts.check(embedding.size_hw)
        if previous is not None:
            previous.check(embedding.size_hw)
        mask = np.zeros(embedding.size_hw, dtype=bool) if previous is None else previous.mask
        shift = 0.0
        if previous is not None and previous.logits is not None:
            shift = OutlineShift.unpack(previous.logits).after(prompts.clicks, previous.mask)
        closely = previous is not None or prompts.box is not None
        view = embedding.view
        if closely:
            view = self._around(_extent(mask, prompts), embedding.size_hw, _MARGIN)
        for _ in range(_MOST_LOOKS_AGAIN if closely else _MOST_LOOKS):
            values, quality = self._look(embedding, view, prompts, mask)
            if previous is None:
                values = _of_clicked_parts(values, view, prompts)
            values = values + np.float32(shift)
            mask = view.paste(values, mask)
            outline = OutlineShift.of(view, values, shift)
            margin = _margin(values, view, embedding.size_hw)
            least = max(view.bottom - view.top, view.right - view.left) // _LARGEST_STEP
            following = self._around(_extent(mask, prompts), embedding.size_hw, margin, least)
            if view.overlap(following) > _SAME_VIEW:
                break
            view = following
        answer = obey(mask, prompts)
        if prompts.box is not None and not answer.any():
            answer[prompts.box.slices] = True
        return Prediction(answer, quality, outline.pack())

    def _around(self, extent: _Extent, size_hw: tuple[int, int], margin: float, least: int = 0) -> View:
        """The square view around rows and columns, shifted into the picture; `least` is its shortest side."""
        length = max(len(part) for part in extent)
        side = max(_SMALLEST_VIEW, least, ceil(margin * length))
        sides = []
        for part, size in zip(extent, size_hw, strict=True):
            first = min(max(0, round((part.start + part.stop - side) / 2)), max(0, size - side))
            sides.append((first, min(size, first + side)))
        (top, bottom), (left, right) = sides
        return View.of(top, left, bottom, right, self._side, enlarge=True)

    def _features(self, view: View, pyramid: tuple[Image, ...]) -> list[Tensor]:
        pixels = torch.from_numpy(_padded(view.look(pyramid))).to(self._device)
        images = pixels.permute(2, 0, 1)[None].float() / 127.5 - 1
        with torch.inference_mode(), torch.autocast(self._device.type, torch.bfloat16, self._autocast):
            return self._loaded.encode(images.contiguous(memory_format=torch.channels_last))

    def _look(
        self, embedding: ClickNetEmbedding, view: View, prompts: Prompts, mask: Mask
    ) -> tuple[Values, float]:
        """Logits on a view's grid, (h, w), and the expected IoU."""
        seen = view == embedding.view
        features = embedding.features if seen else self._features(view, embedding.pyramid)
        tensors = _tensors(view, prompts, mask).to(self._device)
        with torch.inference_mode(), torch.autocast(self._device.type, torch.bfloat16, self._autocast):
            logits, quality = self._loaded.decode(features, tensors)
        height, width = view.grid_hw
        return logits[0, 0, :height, :width].float().cpu().numpy(), float(torch.sigmoid(quality.float())[0])

    @property
    def _loaded(self) -> ClickNet:
        if self._network is None:
            raise WeightsError("ClickNet is used before load() was called.")
        return self._network


_Extent = tuple[range, range]
"""Rows and columns."""


def _extent(mask: Mask, prompts: Prompts) -> _Extent:
    """The rows and columns in which the prompts lie, and the parts of a mask that they are about."""
    corners = [click.pixel for click in prompts.clicks]
    if prompts.box is not None:
        rows, columns = (range(n)[part] for n, part in zip(mask.shape, prompts.box.slices, strict=True))
        corners += [(rows[0], columns[0]), (rows[-1], columns[-1])]
    whole = Region.from_mask(mask)
    if whole is not None:
        top, left, bottom, right = whole.box if not prompts.clicks else _part_meant(whole, prompts).box
        corners += [(top, left), (bottom - 1, right - 1)]
    down, across = zip(*corners, strict=True)
    return range(min(down), max(down) + 1), range(min(across), max(across) + 1)


def _part_meant(whole: Region, prompts: Prompts) -> Region:
    """The connected parts that hold positive clicks, and the one nearest to the newest click.

    A part far away that no click is about must not change, so no view has to show it.
    """
    labels, areas = components(whole.mask)
    if len(areas) == 2:
        return whole
    rows, columns = np.nonzero(labels)
    row, column = prompts.clicks[-1].pixel
    nearest = np.argmin((rows - (row - whole.top)) ** 2 + (columns - (column - whole.left)) ** 2)
    wanted = np.zeros(len(areas), dtype=bool)
    wanted[labels[rows[nearest], columns[nearest]]] = True
    for click in prompts.clicks:
        place = click.pixel[0] - whole.top, click.pixel[1] - whole.left
        if click.positive and all(0 <= at < size for at, size in zip(place, labels.shape, strict=True)):
            wanted[labels[place]] = True
    wanted[0] = False
    part = Region.from_mask(wanted[labels])
    return whole if part is None else replace(part, top=part.top + whole.top, left=part.left + whole.left)


def _margin(values: Values, view: View, size_hw: tuple[int, int]) -> float:
    """How much more than the object the next view should show."""
    inside = values > 0
    cut_off = (
        (view.top > 0 and inside[0].any())
        or (view.left > 0 and inside[:, 0].any())
        or (view.bottom < size_hw[0] and inside[-1].any())
        or (view.right < size_hw[1] and inside[:, -1].any())
    )
    if cut_off:
        return _WIDE_MARGIN
    longest = max(np.count_nonzero(inside.any(axis=axis)) for axis in (0, 1))
    return _GUESS_MARGIN if longest < _GUESSED * max(view.grid_hw) else _MARGIN


def _of_clicked_parts(values: Values, view: View, prompts: Prompts) -> Values:
    """Make what is not connected to a positive click negative; without such clicks all stays, (h, w)."""
    hits = [view.grid_pixel(*click.pixel) for click in prompts.clicks if click.positive]
    if not any(hits):
        return values
    labels, areas = components(values > 0)
    keep = np.zeros(len(areas), dtype=bool)
    keep[[labels[hit] for hit in hits if hit is not None]] = True
    return np.where(keep[labels], values, np.minimum(values, -np.abs(values)))


def _tensors(view: View, prompts: Prompts, mask: Mask) -> PromptTensors:
    hits = [(view.grid_pixel(*click.pixel), 1.0 if click.positive else -1.0) for click in prompts.clicks]
    clicks = [(*pixel, kind) for pixel, kind in hits if pixel is not None] or [(0, 0, 0.0)]
    box: Mask = np.zeros(view.grid_hw, dtype=bool)
    if prompts.box is not None:
        rows, columns = (range(size)[part] for size, part in zip(mask.shape, prompts.box.slices, strict=True))
        rows = range(max(rows.start, view.top), min(rows.stop, view.bottom))
        columns = range(max(columns.start, view.left), min(columns.stop, view.right))
        if rows and columns:
            box = view.grid_box(rows, columns)
    seen = (box, view.look_at_mask(mask))
    maps = [_padded(part.astype(np.float32))[None, None] for part in seen]
    return PromptTensors(torch.tensor([clicks], dtype=torch.float32), *map(torch.from_numpy, maps))


def _padded(values: NDArray[Any]) -> NDArray[Any]:
    """Add zeros at the bottom and the right until the sides are multiples of the network's stride."""
    height, width = values.shape[:2]
    return np.pad(values, [(0, -height % STRIDE), (0, -width % STRIDE)] + [(0, 0)] * (values.ndim - 2))
