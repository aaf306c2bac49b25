"""Which interactive model answers the clicks in a project: the shipped one, or a version trained for it.

The version in use answers if the project's options name ClickNet and want to learn. It is looked up anew for
each request, so that all processes change to a new one at once. One that cannot be used is passed over for a
minute, and clicks are answered as if there were none. Embeddings and masks are cached by the version's name,
so that none is ever shown to another model.
"""

from __future__ import annotations

from backend.services.encoding import AnyInteractiveModel
from backend.services.projects import ProjectOptions
from backend.state.model_pool import ModelPool
from backend.state.version_pool import VersionPool
from models.interactive.clicknet import ClickNetModel

KIND = "click"


class ProjectClickModels:
    """Names and loads the interactive models of projects. Safe between threads.

    Args:
        pool: The models that were not trained for a project.
        trained: Those that were.
    """

    def __init__(
        self, pool: ModelPool[AnyInteractiveModel], trained: VersionPool[AnyInteractiveModel]
    ) -> None:
        self._pool = pool
        self._trained = trained

    def for_project(self, project_id: int | None, options: ProjectOptions) -> AnyInteractiveModel:
        """The project's interactive model, loaded.

        Args:
            project_id: Label Studio's number of the project, None if it did not say.
            options: The project's options.

        Raises:
            DatabaseError: What is in use cannot be looked up.
            MaskloopError: The model that the options name cannot be loaded.
        """
        if project_id is not None and options.learn and options.interactive_model == ClickNetModel.name:
            self._trained.forget_old_failures()
            info = self._trained.in_use(project_id)
            model = None if info is None else self._trained.get(info)
            if model is not None:
                return model
        return self._pool.get(options.interactive_model)
