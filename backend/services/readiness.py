"""Whether the service can answer now, and what is missing if not."""

from backend.services.encoding import AnyInteractiveModel
from backend.services.projects import ProjectOptions
from backend.state.model_pool import ModelPool
from models.prelabel.base import PreLabeller


class Readiness:
    """Looks at the models that the default options name. Safe between threads."""

    def __init__(
        self,
        *,
        interactive_models: ModelPool[AnyInteractiveModel],
        prelabellers: ModelPool[PreLabeller],
        defaults: ProjectOptions,
    ) -> None:
        self._interactive_models = interactive_models
        self._prelabellers = prelabellers
        self._defaults = defaults

    def missing(self) -> list[str]:
        """What is not there yet, in words; loads what can be loaded. Empty when ready."""
        problems = (
            self._interactive_models.problem(self._defaults.interactive_model),
            self._prelabellers.problem(self._defaults.prelabeller),
        )
        return [problem for problem in problems if problem is not None]
