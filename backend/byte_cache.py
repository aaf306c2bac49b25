"""A cache bounded in bytes."""

import threading
import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from cachetools import TTLCache

from backend.single_flight import SingleFlight

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class ByteCache(Generic[K, V]):
    """Keeps the most recently used values, up to a number of bytes and an age.

    A value larger than the whole cache is returned without being kept. Concurrent callers of one missing
    key share one computation. Safe between threads; the lock guards only the dictionary.

    Args:
        max_bytes: Upper bound of the sizes of all kept values.
        size_of: Bytes that a value holds.
        on_lookup: Told with each call whether the value was there.
        ttl_s: Seconds after which a value is made anew.
    """

    def __init__(
        self,
        max_bytes: int,
        *,
        size_of: Callable[[V], int],
        on_lookup: Callable[[bool], None],
        ttl_s: float = float("inf"),
    ) -> None:
        self._values: TTLCache[K, V] = TTLCache(max_bytes, ttl_s, timer=time.monotonic, getsizeof=size_of)
        self._size_of = size_of
        self._on_lookup = on_lookup
        self._lock = threading.Lock()
        self._flights: SingleFlight[K, V] = SingleFlight()

    @property
    def nbytes(self) -> int:
        """Bytes held now."""
        with self._lock:
            return int(self._values.currsize)

    def get_or_create(self, key: K, create: Callable[[], V]) -> V:
        """Return the kept value, or make, keep and return it.

        Raises:
            BaseException: Whatever `create` raised; nothing is kept then.
        """
        with self._lock:
            value = self._values.get(key)
        self._on_lookup(value is not None)
        return value if value is not None else self._flights.run(key, lambda: self._create(key, create))

    def create_if_missing(self, key: K, create: Callable[[], V]) -> bool:
        """Make and keep the value unless it is there or being made; not counted as a look-up.

        Returns:
            Whether it was made here.

        Raises:
            BaseException: Whatever `create` raised; nothing is kept then.
        """
        return key not in self and self._flights.run_if_free(key, lambda: self._create(key, create))

    def __contains__(self, key: K) -> bool:
        with self._lock:
            return key in self._values

    def _create(self, key: K, create: Callable[[], V]) -> V:
        with self._lock:
            value = self._values.get(key)
        if value is not None:  # the call that was under way at the look-up ended before this one began
            return value
        value = create()
        with self._lock:
            if self._size_of(value) <= self._values.maxsize:
                self._values[key] = value
        return value
