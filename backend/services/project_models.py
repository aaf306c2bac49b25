"""Which pre-labeller answers for a project: a version trained for it, or the one that everybody begins with.

In this order:

1. the version that people chose in Label Studio, if it is one of this project's. The choice comes with every
   event (`project.model_version`); a title of a model, or any other name there, chooses nothing;
2. the version in use (`ActiveVersions`), unless the project does not want to learn (`learn`), or the version
   knows a class or an answer that is no longer in the labelling config;
3. the pre-labeller that the options name.

This is decided anew for each request, from two small look-ups in the database, so that all processes change
to a new version at once and `/setup` and `/predict` name the same one. Weights are read when pictures wait
for them, never to name a version. A version that cannot be used is passed over, and tried again a minute
later by the next request that has pictures.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from backend.errors import ModelStoreError
from backend.labelstudio.label_config import LabelConfig
from backend.observability import Metrics
from backend.services.label_schemas import label_schema
from backend.services.projects import ProjectOptions
from backend.single_flight import SingleFlight
from backend.state.active_versions import ActiveVersions
from backend.state.event_inbox import EventInbox
from backend.state.model_pool import ModelPool
from backend.state.model_store import ModelStore, VersionInfo
from models.errors import MaskloopError
from models.label_schema import LabelSchema
from models.prelabel.base import PreLabeller

logger = logging.getLogger(__name__)

KIND = "prelabel"
_TRY_AGAIN_S = 60.0


class ProjectModels:
    """Names and loads the pre-labellers of projects. Safe between threads.

    The lock guards the dictionaries and is never held while something is read. A version is loaded once for
    all who wait for it.

    Args:
        pool: The pre-labellers that were not trained for a project.
        store: Where trained versions lie.
        active: Which of them are in use.
        inbox: What Label Studio says about its projects.
        open_version: Makes the model of a version from its folder and its name, not loaded yet.
        max_loaded: Trained versions kept in memory, the ones used last.
        metrics: What is counted.
    """

    def __init__(
        self,
        pool: ModelPool[PreLabeller],
        *,
        store: ModelStore,
        active: ActiveVersions,
        inbox: EventInbox,
        open_version: Callable[[Path, str], PreLabeller],
        max_loaded: int,
        metrics: Metrics,
    ) -> None:
        self._pool = pool
        self._store = store
        self._active = active
        self._inbox = inbox
        self._open_version = open_version
        self._max_loaded = max_loaded
        self._metrics = metrics
        self._lock = threading.Lock()
        self._loaded: OrderedDict[str, PreLabeller] = OrderedDict()
        self._failed_at: dict[str, float] = {}
        self._flights: SingleFlight[str, PreLabeller] = SingleFlight()

    def for_project(
        self, project_id: int | None, config: LabelConfig, options: ProjectOptions
    ) -> PreLabeller:
        """The project's pre-labeller, loaded.

        Args:
            project_id: Label Studio's number of the project, None if it did not say.
            config: The project's labelling config.
            options: The project's options.

        Raises:
            DatabaseError: What is in use cannot be looked up.
            MaskloopError: The pre-labeller that the options name cannot be loaded.
        """
        self._forget_old_failures()
        while (info := self._trained(project_id, config, options)) is not None:
            try:
                return self._model(info)
            except MaskloopError as error:
                self._failed(info.name, error)
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
        info = self._trained(project_id, config, options)
        return self._pool.version(options.prelabeller) if info is None else info.name

    def versions(self) -> list[str]:
        """All versions that pre-labels can have: the untrained ones, then the trained ones, newest first."""
        stored = [info for project in self._store.projects() for info in self._store.versions(project)]
        newest_first = sorted(stored, key=lambda info: info.created_at, reverse=True)
        untrained = [self._pool.version(name) for name in self._pool.names]
        return untrained + [info.name for info in newest_first if info.kind == KIND]

    def _trained(
        self, project_id: int | None, config: LabelConfig, options: ProjectOptions
    ) -> VersionInfo | None:
        if project_id is None:
            return None
        chosen = self._find(project_id, self._inbox.chosen_version(project_id))
        if chosen is not None:
            return chosen
        if not options.learn:
            return None
        name = self._active.active(project_id, KIND)
        used = self._find(project_id, name)
        if used is None and name is not None and name not in self._failed_at:
            self._failed(name, ModelStoreError(f"The model version {name} is in use, but it was deleted."))
        return used if used is not None and fits(used.schema, label_schema(config)) else None

    def _find(self, project_id: int, name: str | None) -> VersionInfo | None:
        if name is None or name in self._failed_at:
            return None
        try:
            info = self._store.find(project_id, name)
        except ModelStoreError as error:
            self._failed(name, error)
            return None
        return info if info is not None and info.kind == KIND else None

    def _model(self, info: VersionInfo) -> PreLabeller:
        return self._kept(info.name) or self._flights.run(info.name, lambda: self._load(info))

    def _kept(self, name: str) -> PreLabeller | None:
        with self._lock:
            if name in self._loaded:
                self._loaded.move_to_end(name)
            return self._loaded.get(name)

    def _load(self, info: VersionInfo) -> PreLabeller:
        kept = self._kept(info.name)
        if kept is not None:  # the call that was under way at the look-up ended before this one began
            return kept
        model = self._open_version(self._store.folder(info), info.name)
        model.load()
        with self._lock:
            self._loaded[info.name] = model
            dropped = self._loaded.popitem(last=False)[0] if len(self._loaded) > self._max_loaded else None
        self._metrics.models_loaded.labels(KIND, info.name).set(1)
        if dropped is not None:
            self._metrics.models_loaded.labels(KIND, dropped).set(0)
        logger.info("Loaded version %s", info.name)
        return model

    def _failed(self, name: str, error: MaskloopError) -> None:
        with self._lock:
            self._failed_at[name] = time.monotonic()
        self._metrics.unusable_versions.inc()
        logger.error("Version %s is passed over for %.0f s: %s", name, _TRY_AGAIN_S, error)

    def _forget_old_failures(self) -> None:
        oldest = time.monotonic() - _TRY_AGAIN_S
        with self._lock:
            for name in [name for name, at in self._failed_at.items() if at < oldest]:
                del self._failed_at[name]


def fits(known: LabelSchema, asked: LabelSchema) -> bool:
    """Whether everything that a version says can still be said."""
    answers = {question.name: frozenset(question.answers) for question in asked.questions}
    return set(known.classes) <= set(asked.classes) and all(
        set(question.answers) <= answers.get(question.name, frozenset()) for question in known.questions
    )
