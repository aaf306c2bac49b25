"""The pre-labeller that learns from a project's annotations."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from models.arrays import Image
from models.devices import best_device
from models.errors import WeightsError, WeightsNotFoundError
from models.label_schema import LabelSchema
from models.networks.unet import STRIDE, error_logits
from models.networks.unet import UNet as Network
from models.prelabel.analysis import Analysis, Calibration
from models.prelabel.base import ImageClass, PreLabeller, PreLabels
from models.prelabel.segmented_regions import error_areas_of, regions_of
from models.prelabel.working_size import resized, working_size
from models.state_dicts import load_weights
from models.weights_files import file_sha256

WEIGHTS = "weights.safetensors"
DESCRIPTION = "network.json"
_FORMAT = 1


@dataclass(frozen=True)
class NetworkDescription:
    """What must be known of a trained network besides its weights.

    Attributes:
        schema: What its outputs mean.
        side: Longer side of the pictures that it works on, in pixels.
        countable: Classes of which each object is a region of its own.
        calibration: From its beliefs to the expected quality.
    """

    schema: LabelSchema
    side: int
    countable: frozenset[str]
    calibration: Calibration

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; `read` reads them."""
        return {
            "format": _FORMAT,
            "schema": self.schema.to_json(),
            "side": self.side,
            "countable": sorted(self.countable),
            "calibration": self.calibration.to_json(),
        }

    @classmethod
    def read(cls, path: Path) -> NetworkDescription:
        """Read a description.

        Raises:
            WeightsNotFoundError: There is no such file.
            WeightsError: It is damaged, or of a later release.
        """
        if not path.is_file():
            raise WeightsNotFoundError(f"There is no network description at {path}.")
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
            if value["format"] == _FORMAT:
                return cls(
                    LabelSchema.from_json(value["schema"]),
                    int(value["side"]),
                    frozenset(value["countable"]),
                    Calibration.from_json(value["calibration"]),
                )
        except (ValueError, KeyError, TypeError) as error:
            raise WeightsError(f"{path} does not describe a network: {error!r}.") from error
        raise WeightsError(f"{path} has format {value['format']}; this release reads {_FORMAT}.")

    def new_network(self) -> Network:
        """A network of this kind, not trained."""
        return Network(
            len(self.schema.classes), [len(question.answers) for question in self.schema.questions]
        )


class UNet(PreLabeller):
    """Finds the objects that a project annotates, and answers its questions. Thread-safe once loaded.

    The score of each region is the mean belief that its pixels are right; the score of the pre-labels is the
    Dice coefficient to expect.

    Args:
        folder: Holds `weights.safetensors` and `network.json`.
        version: Its version; the default names the content of the weights.
    """

    name = "unet"

    def __init__(self, folder: Path, version: str | None = None) -> None:
        self._folder = folder
        self._network: Network | None = None
        self._device = best_device()
        self._description = NetworkDescription.read(folder / DESCRIPTION)
        schema = self._description.schema
        self.classes = schema.classes
        self.image_classes = tuple(answer for question in schema.questions for answer in question.answers)
        self.version = version or f"{self.name}-{self._digest()}"

    @property
    def schema(self) -> LabelSchema:
        """What it says about pictures."""
        return self._description.schema

    def load(self) -> None:
        """Read the weights; see the base class.

        Raises:
            WeightsNotFoundError: They are missing.
            WeightsError: They are damaged, or another network's.
        """
        if self._network is not None:
            return
        network = self._description.new_network()
        load_weights(network, self._folder / WEIGHTS)
        self._network = network.eval().to(self._device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def predict(self, image: Image) -> PreLabels:
        """Find the objects and answer the questions; see the base class."""
        return prelabels_of(self.analyse(image), self._description, (image.shape[0], image.shape[1]))

    @torch.inference_mode()
    def analyse(self, image: Image) -> Analysis:
        """Ask the network about a picture.

        Args:
            image: (H, W, 3) RGB; not modified.

        Raises:
            WeightsError: `load` was not called.
        """
        if self._network is None:
            raise WeightsError(f"The weights of {self.version} are not loaded.")
        small = resized(image, working_size((image.shape[0], image.shape[1]), self._description.side))
        return analysed(self._network, network_input(small).to(self._device), self._description.schema)

    def _digest(self) -> str:
        weights = self._folder / WEIGHTS
        if not weights.is_file():
            raise WeightsNotFoundError(f"There are no weights at {weights}.")
        return file_sha256(weights)[:8]


def prelabels_of(analysis: Analysis, description: NetworkDescription, size_hw: tuple[int, int]) -> PreLabels:
    """Turn what a network says into pre-labels.

    Args:
        analysis: What it says.
        description: What that means.
        size_hw: Height and width of the picture.
    """
    schema = description.schema
    statements = tuple(
        ImageClass(answer, float(probability), question.name)
        for question, probabilities in zip(schema.questions, analysis.answers, strict=True)
        for answer, probability in zip(question.answers, probabilities, strict=True)
    )
    if not schema.classes:
        sure = [float(np.maximum(each, 1 - each).min()) for each in analysis.answers]
        return PreLabels((), statements, min(sure, default=0.0))
    regions = regions_of(analysis, schema.classes, description.countable, size_hw)
    score = description.calibration.expected_dice(analysis)
    return PreLabels(regions, statements, score, error_areas_of(analysis, size_hw))


@torch.inference_mode()
def analysed(
    network: Network, picture: Tensor, schema: LabelSchema, segmenter: Network | None = None
) -> Analysis:
    """Ask a network about one picture.

    Args:
        network: In eval mode.
        picture: (3, h, w) in [-1, 1].
        schema: What the network says.
        segmenter: Network whose segmentation and answers are taken, and judged by `network`; None for itself.
    """
    height, width = picture.shape[-2:]
    whole_picture = padded(picture[None])
    pyramid = network.encode(whole_picture)
    segmenter = segmenter or network
    own = pyramid if segmenter is network else segmenter.encode(whole_picture)
    segmentation = segmenter.segment(own)
    correction, quality = network.errors(pyramid, segmentation.logits.softmax(1))
    answers = tuple(
        (torch.sigmoid(logits) if question.multiple else logits.softmax(1))[0].cpu().numpy()
        for question, logits in zip(schema.questions, segmenter.answer(own), strict=True)
    )
    embedding = network.embed(pyramid)
    whole = _enlarged(segmentation.logits, (height, width)).softmax(1)
    errors = torch.sigmoid(error_logits(whole, _enlarged(correction, (height, width))))
    return Analysis(
        probabilities=whole[0].cpu().numpy(),
        depth=_enlarged(torch.sigmoid(segmentation.depth), (height, width))[0, 0].cpu().numpy(),
        errors=errors[0, 0].cpu().numpy(),
        answers=answers,
        quality=float(torch.sigmoid(quality)[0]),
        novelty=float(network.novelty(embedding)[0]),
        embedding=embedding[0].cpu().numpy(),
    )


def padded(pictures: Tensor) -> Tensor:
    """Pictures, (B, 3, h, w), with their last row and column repeated until the network can take them."""
    height, width = pictures.shape[-2:]
    padding = (0, -width % STRIDE, 0, -height % STRIDE)
    return functional.pad(pictures, padding, mode="replicate").contiguous(memory_format=torch.channels_last)


def _enlarged(maps: Tensor, size_hw: tuple[int, int]) -> Tensor:
    """From a coarser grid, padding cut off, to one value per pixel."""
    padded_hw = [-(-side // STRIDE) * STRIDE for side in size_hw]
    full = functional.interpolate(maps, size=padded_hw, mode="bilinear", align_corners=False)
    return full[:, :, : size_hw[0], : size_hw[1]]


def network_input(image: Image) -> Tensor:
    """A picture, (H, W, 3), as networks take it, (3, H, W) in [-1, 1]."""
    return torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1).float() / 127.5 - 1
