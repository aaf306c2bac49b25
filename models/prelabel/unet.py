"""The pre-labeller that learns from a project's annotations."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from models.arrays import Image
from models.devices import best_device
from models.errors import WeightsError, WeightsNotFoundError
from models.label_schema import LabelSchema
from models.networks.unet import UNet as Network
from models.prelabel.analysis import Analysis, Segments
from models.prelabel.asking import analysed, mutual_information, network_input, segments_of
from models.prelabel.base import ImageClass, PreLabeller, PreLabels
from models.prelabel.figures import PictureFigures, picture_figures
from models.prelabel.network_description import DESCRIPTION, WEIGHTS, NetworkDescription
from models.prelabel.segmented_regions import error_areas_of, regions_of
from models.prelabel.working_size import resized, working_size
from models.regions import Region
from models.state_dicts import load_weights
from models.weights_files import file_sha256


@dataclass(frozen=True, eq=False)
class Assessment:
    """What is known about a picture.

    Attributes:
        figures: How sure the network is.
        analysis: What it says in full.
    """

    figures: PictureFigures
    analysis: Analysis


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
    def folder(self) -> Path:
        """Holds its two files."""
        return self._folder

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
        return self.prelabels(self.analyse(image), (image.shape[0], image.shape[1]))

    def analyse(self, image: Image) -> Analysis:
        """Ask the network about a picture.

        Args:
            image: (H, W, 3) RGB; not modified.

        Raises:
            WeightsError: `load` was not called.
        """
        return analysed(self._loaded(), self._input(image), self.schema)

    def segments(self, image: Image, *, fold: Network | None = None) -> Segments:
        """Ask for objects alone.

        Args:
            image: (H, W, 3) RGB; not modified.
            fold: Network of a fold, which is asked instead of the version's own.

        Raises:
            WeightsError: `load` was not called.
        """
        return segments_of(fold or self._loaded(), self._input(image))

    def regions(self, segments: Segments, size_hw: tuple[int, int]) -> tuple[Region, ...]:
        """The objects of a picture.

        Args:
            segments: What is said about it.
            size_hw: Height and width of the picture.
        """
        return regions_of(segments, self.classes, self._description.countable, size_hw)

    def assess(self, image: Image, *, dropout_passes: int = 0) -> Assessment:
        """Ask the network about a picture, and say how sure it is.

        Args:
            image: (H, W, 3) RGB; not modified.
            dropout_passes: How often the picture is segmented again with features dropped, for the mutual
                information; 0 leaves that out.

        Raises:
            WeightsError: `load` was not called.
        """
        analysis = self.analyse(image)
        information = None
        if dropout_passes:
            network, schema = self._loaded(), self.schema
            information = mutual_information(network, self._input(image), schema, dropout_passes)
        quality = expected_quality(analysis, self._description)
        figures = picture_figures(analysis, self.schema, quality=quality, mutual_information=information)
        return Assessment(figures, analysis)

    def prelabels(self, analysis: Analysis, size_hw: tuple[int, int]) -> PreLabels:
        """What `predict` answers for an analysed picture.

        Args:
            analysis: Its own.
            size_hw: Height and width of the picture.
        """
        return prelabels_of(analysis, self._description, size_hw)

    def _loaded(self) -> Network:
        if self._network is None:
            raise WeightsError(f"The weights of {self.version} are not loaded.")
        return self._network

    def _input(self, image: Image) -> Tensor:
        small = resized(image, working_size((image.shape[0], image.shape[1]), self._description.side))
        return network_input(small).to(self._device)

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
    score = expected_quality(analysis, description)
    if not schema.classes:
        return PreLabels((), statements, score)
    regions = regions_of(analysis, schema.classes, description.countable, size_hw)
    return PreLabels(regions, statements, score, error_areas_of(analysis, size_hw))


def expected_quality(analysis: Analysis, description: NetworkDescription) -> float:
    """The Dice coefficient to expect, in [0, 1]; without objects, how sure the least certain answer is."""
    if description.schema.classes:
        return description.calibration.expected_dice(analysis)
    sure = [float(np.maximum(each, 1 - each).min()) for each in analysis.answers]
    return min(sure, default=0.0)
