"""Pictures to embeddings: the part of a click's work that can be done before the click.

Concurrency. A click that needs a picture which is being encoded waits for that one computation. Whoever
encodes for a click takes its place in line; whoever encodes ahead gets a slot first and joins nobody, so a
click never waits for work of low priority that has not begun, and nobody holds a slot while waiting.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from backend.byte_cache import ByteCache
from backend.labelstudio.images import TaskImage
from backend.observability import Metrics
from backend.state.device_gate import DeviceGate
from models.interactive.base import Embedding, InteractiveModel

AnyInteractiveModel: TypeAlias = InteractiveModel[Any]
EmbeddingCache: TypeAlias = ByteCache[tuple[str, str], Embedding]
"""Keyed by (model version, image digest)."""


class Encoder:
    """Encodes each picture once per model. Safe between threads.

    Args:
        embeddings: Encoded pictures.
        gate: Admission to the device.
        metrics: What is counted.
    """

    def __init__(self, *, embeddings: EmbeddingCache, gate: DeviceGate, metrics: Metrics) -> None:
        self._embeddings = embeddings
        self._gate = gate
        self._metrics = metrics

    def embedding(self, model: AnyInteractiveModel, image: TaskImage) -> Embedding:
        """Return the encoded picture, encoding it now if needed.

        Raises:
            BusyError: Too many wait for the device.
        """

        def encode() -> Embedding:
            with self._gate.admit():
                return self._encode(model, image)

        return self._embeddings.get_or_create((model.version, image.digest), encode)

    def encode_ahead(
        self,
        model: AnyInteractiveModel,
        image: TaskImage,
        *,
        patience_s: float,
        cancelled: Callable[[], bool],
    ) -> str:
        """Encode a picture if it is not, as soon as the device has nothing else to do.

        Args:
            model: The project's interactive model.
            image: The picture.
            patience_s: How long to wait for the device to be idle.
            cancelled: Asked once more before the work begins.

        Returns:
            What became of it: "encoded", "present" (or being encoded), "busy" or "cancelled".
        """
        key = (model.version, image.digest)
        if key in self._embeddings:
            return "present"
        with self._gate.admit_when_idle(patience_s) as idle:
            if not idle:
                return "busy"
            if cancelled():
                return "cancelled"
            made = self._embeddings.create_if_missing(key, lambda: self._encode(model, image))
            return "encoded" if made else "present"

    def _encode(self, model: AnyInteractiveModel, image: TaskImage) -> Embedding:
        with self._metrics.predict_seconds.labels("encode", model.name).time():
            embedding: Embedding = model.encode(image.pixels)
            return embedding
