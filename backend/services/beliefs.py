"""What a project's version says about pictures whose annotations it has not learned from."""

from __future__ import annotations

from collections.abc import Collection

from backend.inspection.base import Belief
from models.arrays import Image
from models.prelabel.analysis import dice_with_errors
from models.prelabel.unet import UNet
from models.prelabel.unlearned import Unlearned


class Beliefs:
    """Asks a version for inspection rules. Thread-safe once loaded.

    Args:
        model: The version, loaded.
        trained_on: Keys of the examples that it has learned from.
    """

    def __init__(self, model: UNet, trained_on: Collection[str]) -> None:
        self.version = model.version
        self._model = model
        self._unlearned = Unlearned(model, trained_on)

    def load(self) -> None:
        """Read the networks of the folds.

        Raises:
            WeightsError: They are damaged.
        """
        self._unlearned.load()

    def of(self, key: str, image: Image) -> Belief:
        """What is believed of a picture.

        Args:
            key: Of the example that the picture is, or would be: "<task>/<name of the picture's tag>".
            image: (H, W, 3) RGB; not modified.

        Raises:
            WeightsError: The version is not loaded.
        """
        answer = self._unlearned.ask(key, image)
        segments = answer.segments
        return Belief(
            classes=self._model.schema.classes,
            probabilities=segments.probabilities,
            objects=self._model.regions(segments, (image.shape[0], image.shape[1])),
            expected_dice=dice_with_errors(segments.winner > 0, segments.errors),
            learned=answer.learned,
        )
