"""The `/predict` use case: pre-labels or clicks, and no work done twice at the same time."""

from __future__ import annotations

from typing import Any

from backend.errors import RequestError
from backend.labelstudio.label_config import LabelConfig
from backend.labelstudio.payloads import PredictRequest
from backend.observability import Metrics
from backend.services.encoding_ahead import EncodingAhead, OpenTask
from backend.services.interactive import Interactive
from backend.services.prelabelling import Prelabelling
from backend.services.project_models import ProjectModels
from backend.services.projects import Projects
from backend.single_flight import SingleFlight


class Predictions:
    """Answers `/predict`. Safe between threads."""

    def __init__(
        self,
        *,
        projects: Projects,
        models: ProjectModels,
        prelabelling: Prelabelling,
        interactive: Interactive,
        ahead: EncodingAhead,
        metrics: Metrics,
    ) -> None:
        self._projects = projects
        self._models = models
        self._prelabelling = prelabelling
        self._interactive = interactive
        self._ahead = ahead
        self._flights: SingleFlight[str, list[Any]] = SingleFlight(metrics.coalesced.inc)

    def predict(self, request: PredictRequest) -> list[Any]:
        """The `results` of the answer: exactly one item per task, in order.

        An item is a prediction, or the empty list for a task that could not be pre-labelled, which Label
        Studio reads as "no predictions" and asks for again later. Identical requests for pre-labels that
        arrive while one is being answered share its answer: Label Studio sends two when a task is opened by
        its address. Clicks do not: the first of two identical requests may be stale, never the last.

        Raises:
            MaskloopError: The request as a whole cannot be answered.
        """
        if request.context is None:
            return self._flights.run(request.fingerprint(), lambda: self._prelabel(request))
        if len(request.tasks) != 1:
            raise RequestError(f"A request with prompts must hold one task, not {len(request.tasks)}.")
        config = LabelConfig.parse(request.label_config)
        options = self._projects.options(request.project)
        (task,) = request.tasks
        answer = self._interactive.predict(task, request.context, config, options)
        self._ahead.clicked(OpenTask(task, config, options))
        return [answer.to_json()]

    def _prelabel(self, request: PredictRequest) -> list[Any]:
        config = LabelConfig.parse(request.label_config)
        options = self._projects.options(request.project)
        model = self._models.for_project(request.project_id, config, options)
        answers = self._prelabelling.predict(request.tasks, config, options, model)
        if len(request.tasks) == 1:  # more are a batch, which nobody is looking at
            self._ahead.opened(OpenTask(request.tasks[0], config, options))
        return [[] if answer is None else answer.to_json() for answer in answers]
