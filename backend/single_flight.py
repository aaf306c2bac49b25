"""Concurrent calls for the same thing do the work once."""

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class SingleFlight(Generic[K, V]):
    """Shares one running computation among all callers that ask for the same key meanwhile.

    Nothing is kept once the computation has ended. Safe between threads; the lock guards only the
    dictionary and is never held while computing, so keys do not wait for each other.

    Args:
        on_shared: Told each time that a caller waits for another's computation instead of its own.
    """

    def __init__(self, on_shared: Callable[[], None] | None = None) -> None:
        self._on_shared = on_shared
        self._lock = threading.Lock()
        self._running: dict[K, Future[V]] = {}

    def run(self, key: K, create: Callable[[], V]) -> V:
        """Return `create()`, or what a call under way for this key returns.

        Raises:
            BaseException: Whatever `create` raised, for the first caller and for all that waited.
        """
        with self._lock:
            future = self._running.get(key)
            leading = future is None
            if future is None:
                future = self._running[key] = Future()
        if not leading:
            if self._on_shared is not None:
                self._on_shared()
            return future.result()
        return self._lead(key, future, create)

    def run_if_free(self, key: K, create: Callable[[], V]) -> bool:
        """Call `create()` unless a call for this key is under way; never waits for another's.

        Returns:
            Whether it was called.

        Raises:
            BaseException: Whatever `create` raised, here and for all that waited.
        """
        with self._lock:
            if key in self._running:
                return False
            future = self._running[key] = Future()
        self._lead(key, future, create)
        return True

    def _lead(self, key: K, future: Future[V], create: Callable[[], V]) -> V:
        try:
            future.set_result(create())
        except BaseException as error:
            future.set_exception(error)
            raise
        finally:
            with self._lock:
                del self._running[key]
        return future.result()
