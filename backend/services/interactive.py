"""Clicks and boxes to masks.

Concurrency. Shared by all threads: the models (immutable once loaded), the image cache, the embedding
cache, the cache of earlier answers, and the device gate. Every answer is computed from the request alone;
caches only save time, so two annotators can never see each other's mask. A request passes these stations,
each of which is left before the next is entered, but for the last two:

1. the picture: fetched once for all who want it (`ImageLoader`);
2. the embedding: computed once for all who want it, inside the device gate (`Encoder`);
3. the device gate, where a request that has become stale is sent home (`StaleClicks`, `DeviceGate`);
4. inside the gate the steps of the clicks, where a request may wait for another one that is inside the gate
   as well and computes an earlier step (`click_chain`).

Nobody waits for somebody at an earlier station, so nobody waits in a circle. Work of several annotators is
not put together into one batch: a network of 3×3 convolutions at 256² took 35, 35 and 27 ms per mask in
batches of 1, 2 and 4 on one core, and the results of another batch size differ in the last bits.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

from backend.labelstudio.answers import Answer
from backend.labelstudio.click_requests import ClickRequests
from backend.labelstudio.images import ImageLoader
from backend.labelstudio.label_config import LabelConfig
from backend.labelstudio.payloads import Task
from backend.labelstudio.prompts import PromptGroup
from backend.labelstudio.results import ResultOptions, encode_region
from backend.observability import Metrics
from backend.services.encoding import AnyInteractiveModel
from backend.services.project_click_models import ProjectClickModels
from backend.services.projects import ProjectOptions
from backend.services.segmenting import Segmented, Segmenter
from backend.services.stale_clicks import StaleClicks
from backend.state.click_log import ClickLog, ClickRecord
from models.regions import Region

logger = logging.getLogger(__name__)


class Interactive:
    """Answers smart clicks and smart rectangles with the object they mean.

    Args:
        images: Where pictures come from.
        models: The interactive models of projects.
        segmenter: Finds objects.
        click_log: Told every answer.
        metrics: What is counted.
        result_options: How regions are written.
    """

    def __init__(
        self,
        *,
        images: ImageLoader,
        models: ProjectClickModels,
        segmenter: Segmenter,
        click_log: ClickLog,
        metrics: Metrics,
        result_options: ResultOptions,
    ) -> None:
        self._images = images
        self._models = models
        self._segmenter = segmenter
        self._click_log = click_log
        self._metrics = metrics
        self._result_options = result_options
        self._requests = StaleClicks()
        self._click_requests = ClickRequests()

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
            An answer with the regions of the objects. It is empty when nothing says where the object is, when
            a later click of the same annotator has arrived, and when the picture here has another size than
            the one in the editor: a mask of another size would make the annotation impossible to submit.

        Raises:
            MaskloopError: The request, its prompts or the picture cannot be used.
        """
        started = time.perf_counter()
        model = self._models.for_project(task.project, options)
        result: list[dict[str, Any]] = []
        scores: list[float] = []
        groups = self._click_requests.read(task, context, config)
        with self._requests.watch((task.project, task.id), groups) as stale:
            for group in groups:
                image = self._images.load(
                    config.image_url(group.to_name, task.data), task_id=task.id, project_id=task.project
                )
                if image.size_hw != group.size_hw:
                    logger.error(
                        "Task %s: the picture has %s rows and columns here but %s in the editor; "
                        "no mask is sent",
                        task.id,
                        image.size_hw,
                        group.size_hw,
                    )
                    continue
                found = self._segmenter.segment(model, image, group, options, stale)
                if found is None or stale():
                    self._metrics.stale_clicks.inc()
                    return Answer([], 0.0, model.version)
                for region in found.regions:
                    result += self._encode(region, group, config)
                    scores.append(region.score)
                self._log(task, group, found, model, started)
        return Answer(result, min(scores, default=0.0), model.version)

    def _encode(self, region: Region, group: PromptGroup, config: LabelConfig) -> list[dict[str, Any]]:
        control = config.output_control(group.to_name, group.label)
        if control is None:
            logger.warning(
                "No control on image %r takes a mask with the label %r; add one, or the label to one",
                group.to_name,
                group.label,
            )
            return []
        return encode_region(
            region,
            control,
            group.label,
            group.size_hw,
            region_id=group.refine_id or None,
            options=self._result_options,
        )

    def _log(
        self, task: Task, group: PromptGroup, found: Segmented, model: AnyInteractiveModel, started: float
    ) -> None:
        self._click_log.add(
            ClickRecord(
                at=datetime.now(timezone.utc),
                project_id=task.project,
                task_id=task.id,
                to_name=group.to_name,
                label=group.label,
                prompt_ids=group.prompt_ids,
                prompts=group.prompts,
                refined=group.refine is not None,
                area=sum(region.area for region in found.regions),
                overlap=found.overlap,
                latency_ms=(time.perf_counter() - started) * 1000,
                model_version=model.version,
            )
        )
