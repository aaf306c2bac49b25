"""Which pre-labeller answers for a project: a version trained for it, or the one that everybody begins with.

In this order:

1. the version that people chose in Label Studio, if it is one of this project's, whether its pre-labels carry
   the order of the queue or not. The choice comes with every event (`project.model_version`); a title of a
   model, or any other name there, chooses nothing;
2. the version in use (`ActiveVersions`), unless the project does not want to learn (`learn`), or the version
   knows a class or an answer that is no longer in the labelling config;
3. the pre-labeller that the options name.

This is decided anew for each request, from two small look-ups in the database, so that all processes change
to a new version at once and `/setup` and `/predict` name the same one. Weights are read when pictures wait
for them, never to name a version. A version that cannot be used is passed over, and tried again a minute
later by the next request that has pictures.
"""

from __future__ import annotations

from backend.labelstudio.label_config import LabelConfig
from backend.services.label_schemas import label_schema
from backend.services.projects import ProjectOptions
from backend.state.event_inbox import EventInbox
from backend.state.model_pool import ModelPool
from backend.state.model_store import ModelStore, VersionInfo
from backend.state.version_info import answering_version
from backend.state.version_pool import VersionPool
from models.label_schema import LabelSchema
from models.prelabel.base import PreLabeller

KIND = "prelabel"


class ProjectModels:
    """Names and loads the pre-labellers of projects. Safe between threads.

    Args:
        pool: The pre-labellers that were not trained for a project.
        trained: Those that were.
        store: Where these lie.
        inbox: What Label Studio says about its projects.
    """

    def __init__(
        self,
        pool: ModelPool[PreLabeller],
        *,
        trained: VersionPool[PreLabeller],
        store: ModelStore,
        inbox: EventInbox,
    ) -> None:
        self._pool = pool
        self._trained = trained
        self._store = store
        self._inbox = inbox

    def for_project(
        self,
        project_id: int | None,
        config: LabelConfig,
        options: ProjectOptions,
        *,
        heed_choice: bool = True,
    ) -> PreLabeller:
        """The project's pre-labeller, loaded.

        Args:
            project_id: Label Studio's number of the project, None if it did not say.
            config: The project's labelling config.
            options: The project's options.
            heed_choice: Whether a version chosen in Label Studio comes first; not for pre-labels that are to
                be chosen there next.

        Raises:
            DatabaseError: What is in use cannot be looked up.
            MaskloopError: The pre-labeller that the options name cannot be loaded.
        """
        self._trained.forget_old_failures()
        while (info := self._version_for(project_id, config, options, heed_choice=heed_choice)) is not None:
            model = self._trained.get(info)
            if model is not None:
                return model
        return self._pool.get(options.prelabeller)

    def version(self, project_id: int | None, config: LabelConfig, options: ProjectOptions) -> str:
        """The version that `for_project` answers with, without loading anything.

        Args:
            project_id: Label Studio's number of the project, None if it did not say.
            config: The project's labelling config.
            options: The project's options.

        Raises:
            DatabaseError: What is in use cannot be looked up.
            UnknownNameError: The options name an unknown pre-labeller.
        """
        info = self._version_for(project_id, config, options)
        return self._pool.version(options.prelabeller) if info is None else info.name

    def versions(self) -> list[str]:
        """All versions that pre-labels can have: the untrained ones, then the trained ones, newest first."""
        stored = [info for project in self._store.projects() for info in self._store.versions(project)]
        newest_first = sorted(stored, key=lambda info: info.created_at, reverse=True)
        untrained = [self._pool.version(name) for name in self._pool.names]
        return untrained + [info.name for info in newest_first if info.kind == KIND]

    def _version_for(
        self,
        project_id: int | None,
        config: LabelConfig,
        options: ProjectOptions,
        *,
        heed_choice: bool = True,
    ) -> VersionInfo | None:
        if project_id is None:
            return None
        chosen = self._inbox.chosen_version(project_id) if heed_choice else None
        info = self._trained.find(project_id, chosen and answering_version(chosen))
        if info is not None or not options.learn:
            return info
        used = self._trained.in_use(project_id)
        return used if used is not None and fits(used.schema, label_schema(config)) else None


def fits(known: LabelSchema, asked: LabelSchema) -> bool:
    """Whether everything that a version says can still be said."""
    answers = {question.name: frozenset(question.answers) for question in asked.questions}
    return set(known.classes) <= set(asked.classes) and all(
        set(question.answers) <= answers.get(question.name, frozenset()) for question in known.questions
    )
