"""Asks a trained version about pictures as if it had not learned from them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from models.arrays import Image
from models.networks.unet import UNet as Network
from models.prelabel.analysis import Segments
from models.prelabel.folds import FOLDS, read_folds
from models.prelabel.network_description import DESCRIPTION, NetworkDescription
from models.prelabel.unet import UNet


@dataclass(frozen=True, eq=False)
class UnlearnedAnswer:
    """What is said about a picture.

    Attributes:
        segments: What is drawn in it.
        learned: Whether the network did learn from the picture, because no fold is there that did not.
    """

    segments: Segments
    learned: bool


class Unlearned:
    """Chooses the network that has not seen a picture's annotation. Thread-safe once loaded.

    Args:
        model: The version, loaded.
        trained_on: Keys of the examples that it has learned from.
    """

    def __init__(self, model: UNet, trained_on: Collection[str]) -> None:
        self._model = model
        self._trained_on = frozenset(trained_on)
        self._folds: Mapping[str, Network] = {}

    def load(self) -> None:
        """Read the folds, if the version has any.

        Raises:
            WeightsError: They are damaged.
        """
        path = self._model.folder / FOLDS
        if path.is_file():
            description = NetworkDescription.read(self._model.folder / DESCRIPTION)
            self._folds = read_folds(path, description)

    def ask(self, key: str, image: Image) -> UnlearnedAnswer:
        """Ask about a picture.

        Args:
            key: Of the example that the picture is, or would be.
            image: (H, W, 3) RGB; not modified.

        Raises:
            WeightsError: The model is not loaded.
        """
        fold = self._folds.get(key)
        return UnlearnedAnswer(
            self._model.segments(image, fold=fold), fold is None and key in self._trained_on
        )
