"""One prediction as Label Studio accepts it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backend.errors import BackendError


@dataclass(frozen=True)
class Answer:
    """A prediction for one task, checked: a bad one would make the task impossible to open.

    Attributes:
        result: Result items.
        score: Expected quality in [0, 1].
        model_version: Name of the version that made it, never empty.

    Raises:
        BackendError: The score is not a number in [0, 1], or the version is empty.
    """

    result: Sequence[Mapping[str, Any]]
    score: float
    model_version: str

    def __post_init__(self) -> None:
        if not (math.isfinite(self.score) and 0 <= self.score <= 1):
            raise BackendError(
                f"Model {self.model_version!r} gave the score {self.score}, not one in [0, 1]."
            )
        if not self.model_version:
            raise BackendError("A model gave an answer without a version.")

    def to_json(self) -> dict[str, Any]:
        """The item of `results` in the answer to `/predict`."""
        return {
            "result": list(self.result),
            "score": float(self.score),
            "model_version": self.model_version,
        }
