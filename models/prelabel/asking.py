"""Asks a network about a picture."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from models.arrays import Image
from models.label_schema import LabelSchema, Question
from models.networks.unet import STRIDE, error_logits
from models.networks.unet import UNet as Network
from models.prelabel.analysis import Analysis, Map, Segments, agreement_of
from models.prelabel.figures import as_places, mutual_information_of

_DROPPED = 0.2
"""Share of the channels that a pass with dropout does without."""


@torch.inference_mode()
def analysed(
    network: Network, picture: Tensor, schema: LabelSchema, segmenter: Network | None = None
) -> Analysis:
    """Ask a network about one picture, and once more with the picture upside down.

    Args:
        network: In eval mode.
        picture: (3, h, w) in [-1, 1].
        schema: What the network says.
        segmenter: Network whose segmentation and answers are taken, and judged by `network`; None for itself.
    """
    size_hw = (picture.shape[-2], picture.shape[-1])
    whole_picture = padded(picture[None])
    pyramid = network.encode(whole_picture)
    segmenter = segmenter or network
    own = pyramid if segmenter is network else segmenter.encode(whole_picture)
    segmentation = segmenter.segment(own)
    correction, quality = network.errors(pyramid, segmentation.logits.softmax(1))
    answers = tuple(
        _answered(question, logits)
        for question, logits in zip(schema.questions, segmenter.answer(own), strict=True)
    )
    embedding = network.embed(pyramid)
    whole = _enlarged(segmentation.logits, size_hw).softmax(1)
    errors = torch.sigmoid(error_logits(whole, _enlarged(correction, size_hw)))
    probabilities = whole[0].cpu().numpy()
    consistency = 1.0
    if schema.classes:
        upside_down = segments_of(segmenter, torch.flip(picture, (1, 2))).probabilities
        consistency = agreement_of(probabilities, upside_down[:, ::-1, ::-1])
    return Analysis(
        probabilities=probabilities,
        depth=_enlarged(torch.sigmoid(segmentation.depth), size_hw)[0, 0].cpu().numpy(),
        errors=errors[0, 0].cpu().numpy(),
        answers=answers,
        quality=float(torch.sigmoid(quality)[0]),
        consistency=consistency,
        novelty=float(network.novelty(embedding)[0]),
        embedding=embedding[0].cpu().numpy(),
    )


@torch.inference_mode()
def segments_of(network: Network, picture: Tensor) -> Segments:
    """Ask a network for objects alone, in less time than `analysed`.

    Args:
        network: In eval mode.
        picture: (3, h, w) in [-1, 1].

    Returns:
        A place is believed to be wrong as much as its class is improbable.
    """
    size_hw = (picture.shape[-2], picture.shape[-1])
    segmentation = network.segment(network.encode(padded(picture[None])))
    probabilities = _enlarged(segmentation.logits, size_hw).softmax(1)[0].cpu().numpy()
    depth = _enlarged(torch.sigmoid(segmentation.depth), size_hw)[0, 0].cpu().numpy()
    return Segments(probabilities, depth, 1 - probabilities.max(0))


@torch.inference_mode()
def mutual_information(network: Network, picture: Tensor, schema: LabelSchema, n_passes: int) -> float:
    """Between what a network says and which of its features are dropped, on its own grid; at least 0.

    Args:
        network: In eval mode.
        picture: (3, h, w) in [-1, 1].
        schema: What the network says.
        n_passes: How often the picture is segmented with features dropped.
    """
    pyramid = network.encode(padded(picture[None]))
    chance = torch.Generator().manual_seed(0)
    passes = [_said(network, [_dropped(level, chance) for level in pyramid], schema) for _ in range(n_passes)]
    return float(np.mean([mutual_information_of(part) for part in zip(*passes, strict=True)]))


def padded(pictures: Tensor) -> Tensor:
    """Pictures, (B, 3, h, w), with their last row and column repeated until the network can take them."""
    height, width = pictures.shape[-2:]
    padding = (0, -width % STRIDE, 0, -height % STRIDE)
    return functional.pad(pictures, padding, mode="replicate").contiguous(memory_format=torch.channels_last)


def network_input(image: Image) -> Tensor:
    """A picture, (H, W, 3), as networks take it, (3, H, W) in [-1, 1]."""
    return torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1).float() / 127.5 - 1


def _said(network: Network, pyramid: list[Tensor], schema: LabelSchema) -> list[NDArray[np.float64]]:
    """Probabilities of objects and of each question, as places, each (K, places)."""
    parts: list[NDArray[np.float64]] = []
    if schema.classes:
        probabilities = network.segment(pyramid).logits.softmax(1)[0].cpu().numpy()
        parts.append(probabilities.reshape(len(probabilities), -1).astype(np.float64))
    for question, logits in zip(schema.questions, network.answer(pyramid), strict=True):
        parts.append(as_places(question, _answered(question, logits).astype(np.float64)))
    return parts


def _answered(question: Question, logits: Tensor) -> Map:
    """Probabilities of the answers to one question, (answers,)."""
    chances = torch.sigmoid(logits) if question.multiple else logits.softmax(1)
    return np.asarray(chances[0].cpu().numpy())


def _dropped(features: Tensor, chance: torch.Generator) -> Tensor:
    """Features, (1, C, h, w), of which some channels are 0 and the others larger for it.

    Source: dropout in a network that was trained without, Mi et al., "Training-free uncertainty estimation
    for dense regression", AAAI 2022.
    """
    kept = torch.rand((1, features.shape[1], 1, 1), generator=chance) >= _DROPPED
    return features * (kept / (1 - _DROPPED)).to(features)


def _enlarged(maps: Tensor, size_hw: tuple[int, int]) -> Tensor:
    """From a coarser grid, padding cut off, to one value per pixel."""
    padded_hw = [-(-side // STRIDE) * STRIDE for side in size_hw]
    full = functional.interpolate(maps, size=padded_hw, mode="bilinear", align_corners=False)
    return full[:, :, : size_hw[0], : size_hw[1]]
