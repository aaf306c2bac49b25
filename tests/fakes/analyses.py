"""What a network would say about drawn pictures."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.prelabel.analysis import Analysis


def analysis_of(
    winner: ArrayLike,
    *,
    n_classes: int = 1,
    sure: float = 0.9,
    depth: NDArray[np.float32] | None = None,
    errors: NDArray[np.float32] | None = None,
    quality: float = 0.5,
    consistency: float = 0.5,
    novelty: float = 0.0,
) -> Analysis:
    """What is sure by so much of the class of each pixel, (h, w), 0 = background."""
    numbers = np.asarray(winner, dtype=np.intp)
    rest = (1 - sure) / n_classes
    probabilities = np.full((n_classes + 1, *numbers.shape), rest, dtype=np.float32)
    np.put_along_axis(probabilities, numbers[None], sure, axis=0)
    nothing = np.zeros(numbers.shape, dtype=np.float32)
    return Analysis(
        probabilities=probabilities,
        depth=nothing if depth is None else depth,
        errors=nothing if errors is None else errors,
        answers=(),
        quality=quality,
        consistency=consistency,
        novelty=novelty,
        embedding=np.zeros(4, dtype=np.float32),
    )
