"""Tasks to pre-labels: what the annotator finds when a task is opened."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from backend.labelstudio.answers import Answer
from backend.labelstudio.images import ImageLoader, TaskImage
from backend.labelstudio.label_config import LabelConfig
from backend.labelstudio.payloads import Task
from backend.labelstudio.results import ResultOptions, encode_choices, encode_region
from backend.observability import Metrics
from backend.services.post_processing import post_process
from backend.services.projects import ProjectOptions
from backend.state.device_gate import DeviceGate
from backend.state.model_pool import ModelPool
from models.errors import MaskloopError
from models.prelabel.base import PreLabeller, PreLabels
from models.regions import Region

logger = logging.getLogger(__name__)


class Prelabelling:
    """Pre-labels tasks with the project's pre-labeller.

    Shared between threads: the models (immutable once loaded), the image cache and the device gate, each
    with its own lock; no lock is held while another is taken, but for the gate during a model call.
    """

    def __init__(
        self,
        *,
        images: ImageLoader,
        models: ModelPool[PreLabeller],
        gate: DeviceGate,
        metrics: Metrics,
        max_regions: int,
        result_options: ResultOptions,
    ) -> None:
        self._images = images
        self._models = models
        self._gate = gate
        self._metrics = metrics
        self._max_regions = max_regions
        self._result_options = result_options

    def predict(
        self, tasks: Sequence[Task], config: LabelConfig, options: ProjectOptions
    ) -> list[Answer | None]:
        """Pre-label tasks.

        Returns:
            One answer per task, in order. In a batch, a task that fails is None, so that it does not take
            the others with it; it is logged and counted.

        Raises:
            MaskloopError: The only task of the request failed.
        """
        model = self._models.get(options.prelabeller)
        if len(tasks) == 1:
            return [self._predict_task(tasks[0], config, options, model)]
        return [self._predict_or_skip(task, config, options, model) for task in tasks]

    def _predict_or_skip(
        self, task: Task, config: LabelConfig, options: ProjectOptions, model: PreLabeller
    ) -> Answer | None:
        try:
            return self._predict_task(task, config, options, model)
        except MaskloopError as error:
            self._metrics.skipped_tasks.labels(type(error).__name__).inc()
            logger.warning("Task %s is left without pre-labels: %s", task.id, error)
            return None

    def _predict_task(
        self, task: Task, config: LabelConfig, options: ProjectOptions, model: PreLabeller
    ) -> Answer:
        result: list[dict[str, Any]] = []
        scores: list[float] = []
        for to_name in config.images:
            image = self._images.load(
                config.image_url(to_name, task.data), task_id=task.id, project_id=task.project
            )
            with self._gate.admit(), self._metrics.predict_seconds.labels("prelabel", model.name).time():
                found = model.predict(image.pixels)
                regions = post_process(options.postprocess, self._largest(found.regions, task), image.pixels)
            result += self._encode(to_name, image, config, model, found, regions)
            scores.append(found.score)
        return Answer(result, min(scores), model.version)

    def _largest(self, regions: Sequence[Region], task: Task) -> list[Region]:
        if len(regions) > self._max_regions:
            logger.warning(
                "Task %s: %d objects found, the %d largest are kept (MASKLOOP_MAX_REGIONS)",
                task.id,
                len(regions),
                self._max_regions,
            )
        return sorted(regions, key=lambda region: region.area, reverse=True)[: self._max_regions]

    def _encode(
        self,
        to_name: str,
        image: TaskImage,
        config: LabelConfig,
        model: PreLabeller,
        found: PreLabels,
        regions: Sequence[Region],
    ) -> list[dict[str, Any]]:
        result: list[dict[str, Any]] = []
        targets = config.prelabel_targets(to_name, model.classes)
        for region in regions:
            target = targets.get(region.class_name)
            if target is not None and region.score >= target.score_threshold:
                result += encode_region(
                    region, target.control, target.label, image.size_hw, options=self._result_options
                )
        for choice in config.choices_for(
            to_name, {item.class_name: item.score for item in found.image_classes}
        ):
            result += encode_choices(choice.control, choice.labels)
        return result
