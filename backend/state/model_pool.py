"""Loaded models: each once per process, immutable after loading, shared by all requests."""

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from models.errors import MaskloopError
from models.registry import Registry

logger = logging.getLogger(__name__)


class Loadable(Protocol):
    """What the pool needs to know of a model."""

    name: ClassVar[str]

    @property
    def version(self) -> str:
        """Changes whenever the same input may give another answer; final once loaded."""

    def load(self) -> None:
        """Bring weights into memory."""


M = TypeVar("M", bound=Loadable)


class ModelPool(Generic[M]):
    """The models of one family, made and loaded on first use.

    Safe between threads: one lock per pool is held while a model loads, so that it loads once; models that
    are loaded already are returned without it.

    Args:
        registry: The family.
        on_load: Told each model once it is in memory.
        options: Hyper-parameters of members, by name.
    """

    def __init__(
        self,
        registry: Registry[M],
        *,
        on_load: Callable[[M], None],
        options: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self._registry = registry
        self._options = options or {}
        self._on_load = on_load
        self._loaded: dict[str, M] = {}
        self._lock = threading.Lock()

    @property
    def names(self) -> tuple[str, ...]:
        """All names that can be asked for."""
        return self._registry.names

    def version(self, name: str) -> str:
        """Version of the model of that name, without loading it; see `Loadable`.

        Raises:
            UnknownNameError: The family has no such model.
        """
        return (self._loaded.get(name) or self._create(name)).version

    def is_loaded(self, name: str) -> bool:
        """Whether the model is in memory."""
        return name in self._loaded

    def get(self, name: str) -> M:
        """Return the model, loading it if needed.

        Raises:
            UnknownNameError: The family has no such model.
            WeightsNotFoundError: Its weights are missing.
            WeightsError: Its weights cannot be used.
            MissingExtraError: A package that it needs is not installed.
        """
        model = self._loaded.get(name)
        if model is not None:
            return model
        with self._lock:
            if name not in self._loaded:
                model = self._create(name)
                model.load()
                self._loaded[name] = model
                self._on_load(model)
                logger.info("Loaded %s %s", self._registry.kind, model.version)
            return self._loaded[name]

    def problem(self, name: str) -> str | None:
        """Why the model is not in memory, or None when it is; tries to load it.

        A model that is being loaded by another thread counts as not loaded, without waiting for it.
        """
        if self.is_loaded(name):
            return None
        if self._lock.locked():
            return f"{self._registry.kind} {name!r} is being loaded"
        try:
            self.get(name)
        except MaskloopError as error:
            return f"{self._registry.kind} {name!r}: {error}"
        return None

    def _create(self, name: str) -> M:
        return self._registry.create(name, **self._options.get(name, {}))
