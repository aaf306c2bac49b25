"""Pictures are encoded before anybody clicks on them: that of the task just opened, and those that come next.

Label Studio tells the service that a task is opened only if the task has no stored predictions. So the next
tasks are looked up after every opening and the first click on a task, and are ready when it is their turn.

Nothing here is on the way of a request, and nothing fails loudly: two threads take the work from short
lines, compute only while the device is idle, and give up when it stays busy. What is given up is encoded by
the first click, as if this module were not there.

Projects may let Label Studio predict whatever is listed (`evaluate_predictions_automatically`): then looking
up the next tasks "opens" them. What is opened while a look-up for its project is under way is therefore no
reason for another one; else one opened task would walk through the whole project.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass

from cachetools import TTLCache

from backend.labelstudio.images import ImageLoader
from backend.labelstudio.label_config import LabelConfig
from backend.labelstudio.payloads import Task
from backend.labelstudio.task_queue import TaskQueue
from backend.observability import Metrics
from backend.services.encoding import Encoder
from backend.services.project_click_models import ProjectClickModels
from backend.services.projects import ProjectOptions
from backend.state.background import Background
from models.errors import MaskloopError

logger = logging.getLogger(__name__)

_PATIENCE_S = 10.0
_LINE = 32
_ASK_AGAIN_S = 300.0
_TASKS_REMEMBERED = 1024


@dataclass(frozen=True)
class OpenTask:
    """A task that somebody works on.

    Attributes:
        task: The task.
        config: Its project's labelling config.
        options: Its project's options.
    """

    task: Task
    config: LabelConfig
    options: ProjectOptions

    @property
    def images(self) -> list[str]:
        """Names of the pictures that prompts can be drawn on."""
        return list(dict.fromkeys(control.to_name for control in self.config.controls if control.prompts))


class EncodingAhead:
    """Encodes what will be needed. Safe between threads.

    Args:
        images: Where pictures come from.
        models: The interactive models of projects.
        encoder: Encodes pictures.
        queue: Knows the next tasks; None when Label Studio cannot be asked.
        n_next: How many next tasks are encoded.
        metrics: What is counted.
    """

    def __init__(
        self,
        *,
        images: ImageLoader,
        models: ProjectClickModels,
        encoder: Encoder,
        queue: TaskQueue | None,
        n_next: int,
        metrics: Metrics,
    ) -> None:
        self._images = images
        self._models = models
        self._encoder = encoder
        self._queue = queue
        self._n_next = n_next
        self._metrics = metrics
        self._opened = Background("encode-opened", _LINE)
        self._next = Background("encode-next", _LINE)
        self._lock = threading.Lock()  # guards the three below, never held while working
        self._asked: TTLCache[tuple[int, int], bool] = TTLCache(
            _TASKS_REMEMBERED, _ASK_AGAIN_S, timer=time.monotonic
        )
        self._asking: int | None = None
        self._told: set[str] = set()

    def opened(self, work: OpenTask) -> None:
        """A task was opened and pre-labelled: encode its pictures, then those of the next tasks."""
        if not work.images:
            return
        self._opened.submit(
            (work.task.project, work.task.id, work.options.interactive_model),
            lambda: self._encode(work, self._opened),
        )
        with self._lock:
            looked_up = self._asking is not None and self._asking == work.task.project
        if not looked_up:
            self.clicked(work)

    def clicked(self, work: OpenTask) -> None:
        """Somebody works on a task: encode the pictures of the next ones."""
        project, task = work.task.project, work.task.id
        if self._queue is None or not self._n_next or project is None or task is None:
            return
        with self._lock:
            if (project, task) in self._asked:
                return
            self._asked[project, task] = True
        queue = self._queue
        self._next.submit((project, task), lambda: self._encode_next(work, queue, project, task))

    def _encode_next(self, work: OpenTask, queue: TaskQueue, project: int, task: int) -> None:
        with self._lock:
            self._asking = project
        try:
            following = queue.after(project, task, self._n_next)
        except MaskloopError as error:
            self._tell(error)
            return
        finally:
            with self._lock:
                self._asking = None
        for next_task in following:
            self._encode(OpenTask(next_task, work.config, work.options), self._next)

    def _encode(self, work: OpenTask, background: Background) -> None:
        try:
            model = self._models.for_project(work.task.project, work.options)
            for to_name in work.images:
                if background.stopping:
                    return
                image = self._images.load(
                    work.config.image_url(to_name, work.task.data),
                    task_id=work.task.id,
                    project_id=work.task.project,
                )
                outcome = self._encoder.encode_ahead(
                    model, image, patience_s=_PATIENCE_S, cancelled=lambda: background.stopping
                )
                self._metrics.encoded_ahead.labels(outcome).inc()
        except MaskloopError as error:
            self._metrics.encoded_ahead.labels("failed").inc()
            self._tell(error)

    def _tell(self, error: MaskloopError) -> None:
        """Log each kind of failure once: nobody waits for this work, and a click says what is wrong."""
        kind = type(error).__name__
        with self._lock:
            known = kind in self._told
            self._told.add(kind)
        logger.log(
            logging.DEBUG if known else logging.WARNING, "A picture could not be encoded ahead: %s", error
        )
