"""The contract of interactive models: encode a picture once, then answer prompts about one object.

Both calls are pure: everything an answer depends on is in the arguments, so one model serves many
annotators at once and any process can answer.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from models.arrays import Image, Mask
from models.errors import PromptError
from models.prompts import Prompts


@dataclass(frozen=True, eq=False)
class Embedding:
    """A picture as an interactive model sees it; models derive their own.

    Attributes:
        size_hw: Height and width of the picture in pixels.
    """

    size_hw: tuple[int, int]

    @property
    def nbytes(self) -> int:
        """Memory it holds, for the byte-bounded cache."""
        return 64


@dataclass(frozen=True, eq=False)
class Prediction:
    """The object that the prompts describe.

    Attributes:
        mask: (H, W) of the picture. Pixels of positive clicks are inside, of negative clicks outside.
        score: Predicted IoU with what the annotator means, in [0, 1].
        logits: What else the model wants to see again as `previous` when the object is refined, at a
            resolution of its own, (h, w); None when the mask says it all.
    """

    mask: Mask
    score: float
    logits: NDArray[np.float32] | None = None

    def check(self, size_hw: tuple[int, int]) -> None:
        """Refuse to be the previous answer for a picture of another size.

        Raises:
            PromptError: The mask does not have this size.
        """
        if self.mask.shape != size_hw:
            raise PromptError(
                f"The previous mask has {self.mask.shape[0]} rows and {self.mask.shape[1]} columns, "
                f"the picture {size_hw[0]} and {size_hw[1]}."
            )


E = TypeVar("E", bound=Embedding)


class InteractiveModel(ABC, Generic[E]):
    """From prompts to one object. May be shared between threads once `load` has returned.

    Constructors take keyword hyper-parameters with defaults and do nothing else.
    """

    name: ClassVar[str]
    version: str
    """Changes whenever the same prompts may give another mask; part of every cache key. Final once loaded."""

    def load(self) -> None:
        """Bring weights into memory; calling it again does nothing.

        Raises:
            WeightsNotFoundError: The weights are missing.
            WeightsError: The weights cannot be used.
            MissingExtraError: An optional package is missing.
        """

    @abstractmethod
    def encode(self, image: Image) -> E:
        """Do the work that does not depend on prompts.

        Args:
            image: (H, W, 3) RGB; not modified.
        """

    @abstractmethod
    def segment(self, embedding: E, prompts: Prompts, previous: Prediction | None = None) -> Prediction:
        """Find the object.

        Args:
            embedding: What `encode` returned for the picture.
            prompts: All clicks on the object and its box, if any.
            previous: The answer to the same prompts without the newest click, or a mask of the picture's
                size that somebody wants to have corrected; models may ignore it.

        Returns:
            A mask of the picture's size; the same arguments always give the same mask.

        Raises:
            PromptError: The prompts say nothing about where the object is, or lie outside the picture, or
                the previous mask has another size.
        """
