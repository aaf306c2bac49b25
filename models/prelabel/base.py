"""The contract of pre-labellers: from a picture to all its objects, before anybody clicks."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from models.arrays import Image
from models.regions import Region


@dataclass(frozen=True)
class ImageClass:
    """A statement about the whole picture.

    Attributes:
        class_name: One of the pre-labeller's `image_classes`.
        score: Confidence in [0, 1].
        question: Name of the question that it answers; "" for whichever has such an answer.
    """

    class_name: str
    score: float
    question: str = ""


@dataclass(frozen=True)
class PreLabels:
    """Everything a pre-labeller says about one picture.

    Attributes:
        regions: The objects, in no particular order; they do not overlap.
        image_classes: What holds for the picture as a whole.
        score: Expected quality of the pre-labels in [0, 1], higher is better.
        error_areas: Where the regions are probably wrong, the worst first; the score of each is the belief
            that it is. They are for people to look at, not objects.
    """

    regions: tuple[Region, ...]
    image_classes: tuple[ImageClass, ...]
    score: float
    error_areas: tuple[Region, ...] = ()


class PreLabeller(ABC):
    """From a picture to its objects. May be shared between threads once `load` has returned.

    Constructors take keyword hyper-parameters with defaults and do nothing else.
    """

    name: ClassVar[str]
    version: str
    """Changes whenever the same picture may give other pre-labels; Label Studio stores it with each one.
    Final once loaded."""
    classes: tuple[str, ...] = ()
    """Class names that its regions may have."""
    image_classes: tuple[str, ...] = ()
    """Class names that it may give to whole pictures."""

    def load(self) -> None:  # noqa: B027 - a model without weights has nothing to load
        """Bring weights into memory; calling it again does nothing.

        Raises:
            WeightsNotFoundError: The weights are missing.
        """

    @abstractmethod
    def predict(self, image: Image) -> PreLabels:
        """Find all objects.

        Args:
            image: (H, W, 3) RGB; not modified.

        Returns:
            The same picture always gives the same pre-labels.
        """
