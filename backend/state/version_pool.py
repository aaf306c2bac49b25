"""Trained versions in memory: loaded when they are needed, dropped when others are."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Generic

from backend.errors import ModelStoreError
from backend.observability import Metrics
from backend.single_flight import SingleFlight
from backend.state.active_versions import ActiveVersions
from backend.state.model_pool import M
from backend.state.model_store import ModelStore, VersionInfo
from models.errors import MaskloopError

logger = logging.getLogger(__name__)

TRY_AGAIN_S = 60.0
"""So long a version that cannot be used is passed over."""


class VersionPool(Generic[M]):
    """The versions of one kind. Safe between threads.

    The lock guards the dictionaries and is never held while something is read. A version is loaded once for
    all who wait for it.

    Args:
        kind: Of version, see `backend.state.version_info`.
        store: Where trained versions lie.
        active: Which of them are in use.
        open_version: Makes the model of a version from its folder and its name, not loaded yet.
        max_loaded: Versions kept in memory, the ones used last.
        metrics: What is counted.
    """

    def __init__(
        self,
        kind: str,
        *,
        store: ModelStore,
        active: ActiveVersions,
        open_version: Callable[[Path, str], M],
        max_loaded: int,
        metrics: Metrics,
    ) -> None:
        self._kind = kind
        self._store = store
        self._active = active
        self._open_version = open_version
        self._max_loaded = max_loaded
        self._metrics = metrics
        self._lock = threading.Lock()
        self._loaded: OrderedDict[str, M] = OrderedDict()
        self._failed_at: dict[str, float] = {}
        self._flights: SingleFlight[str, M] = SingleFlight()

    def in_use(self, project_id: int) -> VersionInfo | None:
        """The project's version in use; None if there is none, or it is passed over.

        Raises:
            DatabaseError: What is in use cannot be looked up.
        """
        name = self._active.active(project_id, self._kind)
        used = self.find(project_id, name)
        if used is None and name is not None and name not in self._failed_at:
            self._failed(name, ModelStoreError(f"The model version {name} is in use, but it was deleted."))
        return used

    def find(self, project_id: int, name: str | None) -> VersionInfo | None:
        """The project's version of this kind and name; None if there is none, or it is passed over."""
        if name is None or name in self._failed_at:
            return None
        try:
            info = self._store.find(project_id, name)
        except ModelStoreError as error:
            self._failed(name, error)
            return None
        return info if info is not None and info.kind == self._kind else None

    def get(self, info: VersionInfo) -> M | None:
        """The model of a version, loaded now if needed; None if that fails, and then it is passed over."""
        try:
            return self._kept(info.name) or self._flights.run(info.name, lambda: self._load(info))
        except MaskloopError as error:
            self._failed(info.name, error)
            return None

    def forget_old_failures(self) -> None:
        """Try versions again that were passed over for a minute."""
        oldest = time.monotonic() - TRY_AGAIN_S
        with self._lock:
            for name in [name for name, at in self._failed_at.items() if at < oldest]:
                del self._failed_at[name]

    def _kept(self, name: str) -> M | None:
        with self._lock:
            if name in self._loaded:
                self._loaded.move_to_end(name)
            return self._loaded.get(name)

    def _load(self, info: VersionInfo) -> M:
        kept = self._kept(info.name)
        if kept is not None:  # the call that was under way at the look-up ended before this one began
            return kept
        model = self._open_version(self._store.folder(info), info.name)
        model.load()
        with self._lock:
            self._loaded[info.name] = model
            dropped = self._loaded.popitem(last=False)[0] if len(self._loaded) > self._max_loaded else None
        self._metrics.models_loaded.labels(self._kind, info.name).set(1)
        if dropped is not None:
            self._metrics.models_loaded.labels(self._kind, dropped).set(0)
        logger.info("Loaded version %s", info.name)
        return model

    def _failed(self, name: str, error: MaskloopError) -> None:
        with self._lock:
            self._failed_at[name] = time.monotonic()
        self._metrics.unusable_versions.inc()
        logger.error("Version %s is passed over for %.0f s: %s", name, TRY_AGAIN_S, error)
