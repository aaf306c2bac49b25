"""Tasks to pre-labels: what the annotator finds when a task is opened."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from backend.labelstudio.answers import Answer
from backend.labelstudio.controls import Control, ControlKind
from backend.labelstudio.images import ImageLoader
from backend.labelstudio.label_config import LabelConfig, PrelabelTarget
from backend.labelstudio.payloads import Task
from backend.labelstudio.results import ResultOptions, encode_choices, encode_region
from backend.observability import Metrics
from backend.services.post_processing import post_process
from backend.services.projects import ProjectOptions
from backend.services.propagating import AnnotatedNeighbour, Propagating
from backend.state.device_gate import DeviceGate
from models.arrays import Image
from models.errors import MaskloopError
from models.prelabel.base import PreLabeller, PreLabels
from models.regions import Region

logger = logging.getLogger(__name__)

_MOST_ERROR_AREAS = 5
"""In one picture: people look at a few places, not at many."""
_PICTURE_SIZED = frozenset({ControlKind.BRUSH, ControlKind.BITMASK})


class Prelabelling:
    """Pre-labels tasks with a pre-labeller.

    Shared between threads: the image cache and the device gate, each with its own lock; no lock is held while
    another is taken, but for the gate during a model call.

    Args:
        images: Where pictures come from.
        gate: Admission to the device.
        metrics: What is counted.
        propagating: Finds annotated neighbours of frames.
        max_regions: Most regions of one class in one picture.
        max_mask_pixels: The same for brush and bitmask regions, times the pixels of the picture.
        result_options: How regions are written.
    """

    def __init__(
        self,
        *,
        images: ImageLoader,
        gate: DeviceGate,
        metrics: Metrics,
        propagating: Propagating,
        max_regions: int,
        max_mask_pixels: int,
        result_options: ResultOptions,
    ) -> None:
        self._images = images
        self._gate = gate
        self._metrics = metrics
        self._propagating = propagating
        self._max_regions = max_regions
        self._max_mask_pixels = max_mask_pixels
        self._result_options = result_options

    def predict(
        self, tasks: Sequence[Task], config: LabelConfig, options: ProjectOptions, model: PreLabeller
    ) -> list[Answer | None]:
        """Pre-label tasks.

        Args:
            tasks: To be pre-labelled.
            config: The project's labelling config.
            options: The project's options.
            model: The project's pre-labeller, loaded.

        Returns:
            One answer per task, in order. In a batch, a task that fails is None, so that it does not take
            the others with it; it is logged and counted.

        Raises:
            MaskloopError: The only task of the request failed.
        """
        if len(tasks) == 1:
            return [self.predict_task(tasks[0], config, options, model)]
        return [self._predict_or_skip(task, config, options, model) for task in tasks]

    def _predict_or_skip(
        self, task: Task, config: LabelConfig, options: ProjectOptions, model: PreLabeller
    ) -> Answer | None:
        try:
            return self.predict_task(task, config, options, model)
        except MaskloopError as error:
            self._metrics.skipped_tasks.labels(type(error).__name__).inc()
            logger.warning("Task %s is left without pre-labels: %s", task.id, error)
            return None

    def predict_task(
        self, task: Task, config: LabelConfig, options: ProjectOptions, model: PreLabeller
    ) -> Answer:
        """Pre-label one task with a given model.

        Args:
            task: The task.
            config: Its project's labelling config.
            options: Its project's options.
            model: The pre-labeller, loaded.

        Raises:
            MaskloopError: The picture cannot be had, or nothing can be computed.
        """
        result: list[dict[str, Any]] = []
        scores: list[float] = []
        for to_name in config.images:
            image = self._images.load(
                config.image_url(to_name, task.data), task_id=task.id, project_id=task.project
            )
            neighbour = self._propagating.neighbour(task, image.size_hw, config, model.version)
            with self._gate.admit(), self._metrics.predict_seconds.labels("prelabel", model.name).time():
                found = self._found(image.pixels, neighbour, model)
                classes = dict.fromkeys([*model.classes, *(region.class_name for region in found.regions)])
                targets = config.prelabel_targets(to_name, tuple(classes))
                regions = self._shown(found.regions, targets, image.size_hw, task)
                regions = post_process(options.postprocess, regions, image.pixels)
            for region in regions:
                target = targets[region.class_name]
                result += encode_region(
                    region, target.control, target.label, image.size_hw, options=self._result_options
                )
            result += self._encode_error_areas(to_name, config, found, image.size_hw)
            result += self._encode_choices(to_name, config, found)
            scores.append(found.score)
        return Answer(result, min(scores), model.version)

    def _found(self, image: Image, neighbour: AnnotatedNeighbour | None, model: PreLabeller) -> PreLabels:
        """What became of the neighbour's objects, if that is certain enough, else what the model says."""
        carried = None if neighbour is None else self._propagating.carried(neighbour, image)
        if carried is None:
            return model.predict(image)
        if not model.image_classes:
            return carried
        return replace(carried, image_classes=model.predict(image).image_classes)

    def _shown(
        self,
        regions: Sequence[Region],
        targets: Mapping[str, PrelabelTarget],
        size_hw: tuple[int, int],
        task: Task,
    ) -> list[Region]:
        """The regions that have a place to go and are sure enough; of too many the largest."""
        shown = []
        for class_name, target in targets.items():
            sure = [r for r in regions if r.class_name == class_name and r.score >= target.score_threshold]
            limit = self._limit(target.control, size_hw)
            if len(sure) > limit:
                logger.warning(
                    "Task %s: %d objects found, the %d largest become regions of %s; more would freeze the "
                    "editor (MASKLOOP_MAX_REGIONS, MASKLOOP_MAX_MASK_PIXELS; polygons take many more)",
                    task.id,
                    len(sure),
                    limit,
                    target.control.tag,
                )
            shown += sorted(sure, key=lambda region: region.area, reverse=True)[:limit]
        return shown

    def _limit(self, control: Control, size_hw: tuple[int, int]) -> int:
        """Brush and bitmask regions cost the editor time and memory by the picture's size, shapes do not."""
        if control.kind not in _PICTURE_SIZED:
            return self._max_regions
        return max(1, min(self._max_regions, self._max_mask_pixels // (size_hw[0] * size_hw[1])))

    def _encode_error_areas(
        self, to_name: str, config: LabelConfig, found: PreLabels, size_hw: tuple[int, int]
    ) -> list[dict[str, Any]]:
        target = config.error_area_target(to_name)
        if target is None:
            return []
        limit = min(_MOST_ERROR_AREAS, self._limit(target.control, size_hw))
        sure = [area for area in found.error_areas if area.score >= target.score_threshold]
        result: list[dict[str, Any]] = []
        for area in sure[:limit]:
            result += encode_region(area, target.control, target.label, size_hw, options=self._result_options)
        return result

    def _encode_choices(self, to_name: str, config: LabelConfig, found: PreLabels) -> list[dict[str, Any]]:
        result: list[dict[str, Any]] = []
        for choice in config.choices_for(to_name, found.image_classes):
            result += encode_choices(choice.control, choice.labels)
        return result
