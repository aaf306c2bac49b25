"""Clicks and boxes to masks.

Concurrency. Shared by all threads: the models (immutable once loaded), the image cache, the embedding cache
and the device gate. Every answer is computed from the request alone; caches only save time, so two
annotators can never see each other's mask. Order of locks: each cache's own lock is released before the
gate is entered, and nothing is taken while holding the gate, so there is no cycle.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, TypeAlias

from backend.byte_cache import ByteCache
from backend.labelstudio.answers import Answer
from backend.labelstudio.images import ImageLoader, TaskImage
from backend.labelstudio.label_config import LabelConfig
from backend.labelstudio.payloads import Task
from backend.labelstudio.prompts import PromptGroup, read_prompts
from backend.labelstudio.results import ResultOptions, encode_region
from backend.observability import Metrics
from backend.services.post_processing import post_process
from backend.services.projects import ProjectOptions
from backend.state.device_gate import DeviceGate
from backend.state.model_pool import ModelPool
from models.interactive.base import Embedding, InteractiveModel
from models.regions import Region

logger = logging.getLogger(__name__)

AnyInteractiveModel: TypeAlias = InteractiveModel[Any]
EmbeddingCache: TypeAlias = ByteCache[tuple[str, str], Embedding]
"""Keyed by (model version, image digest)."""


class Interactive:
    """Answers smart clicks and smart rectangles with the object they mean."""

    def __init__(
        self,
        *,
        images: ImageLoader,
        models: ModelPool[AnyInteractiveModel],
        embeddings: EmbeddingCache,
        gate: DeviceGate,
        metrics: Metrics,
        result_options: ResultOptions,
    ) -> None:
        self._images = images
        self._models = models
        self._embeddings = embeddings
        self._gate = gate
        self._metrics = metrics
        self._result_options = result_options

    def predict(
        self, task: Task, context: Sequence[Any], config: LabelConfig, options: ProjectOptions
    ) -> Answer:
        """Find the objects that the prompts of one request mean.

        Args:
            task: The open task.
            context: Result items of the prompts, as Label Studio sends them.
            config: The project's labelling config.
            options: The project's options.

        Returns:
            An answer with the regions of the objects. It is empty when nothing says where the object is, and
            when the picture here has another size than the one in the editor: a mask of another size would
            make the annotation impossible to submit.

        Raises:
            MaskloopError: The request, its prompts or the picture cannot be used.
        """
        model = self._models.get(options.interactive_model)
        result: list[dict[str, Any]] = []
        scores: list[float] = []
        for group in read_prompts(context, config):
            image = self._images.load(
                config.image_url(group.to_name, task.data), task_id=task.id, project_id=task.project
            )
            if image.size_hw != group.size_hw:
                logger.error(
                    "Task %s: the picture has %s rows and columns here but %s in the editor; no mask is sent",
                    task.id,
                    image.size_hw,
                    group.size_hw,
                )
                continue
            for region in self._segment(model, image, group, options):
                result += self._encode(region, group, config)
                scores.append(region.score)
        return Answer(result, min(scores, default=0.0), model.version)

    def _segment(
        self, model: AnyInteractiveModel, image: TaskImage, group: PromptGroup, options: ProjectOptions
    ) -> list[Region]:
        embedding = self._embeddings.get_or_create(
            (model.version, image.digest), lambda: self._encode_image(model, image)
        )
        with self._gate.admit(), self._metrics.predict_seconds.labels("segment", model.name).time():
            prediction = model.segment(embedding, group.prompts)
            region = Region.from_mask(prediction.mask, group.label or "", prediction.score)
            if region is None:
                return []
            return post_process(options.postprocess, [region], image.pixels, group.prompts.clicks)

    def _encode_image(self, model: AnyInteractiveModel, image: TaskImage) -> Embedding:
        with self._gate.admit(), self._metrics.predict_seconds.labels("encode", model.name).time():
            embedding: Embedding = model.encode(image.pixels)
            return embedding

    def _encode(self, region: Region, group: PromptGroup, config: LabelConfig) -> list[dict[str, Any]]:
        control = config.output_control(group.to_name, group.label)
        if control is None:
            logger.warning(
                "No control on image %r takes a mask with the label %r; add one, or the label to one",
                group.to_name,
                group.label,
            )
            return []
        return encode_region(region, control, group.label, group.size_hw, options=self._result_options)
