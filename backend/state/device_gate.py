"""Admission to the device: few computations at once, a bounded number in line."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from backend.errors import BusyError


class DeviceGate:
    """Lets a bounded number of computations run and a bounded number wait; the rest is refused at once.

    Safe between threads. Nothing else is locked while waiting, so it cannot take part in a deadlock; a
    computation must not enter twice.

    Args:
        slots: Computations that run at the same time.
        queue: Computations that may wait for a slot.
        on_wait: Told the seconds waited, with each admission.
        timeout_s: Longest wait; Label Studio gives up after 100 s.
    """

    def __init__(
        self, slots: int, queue: int, *, on_wait: Callable[[float], None], timeout_s: float = 60.0
    ) -> None:
        self._slots = threading.BoundedSemaphore(slots)
        self._places = threading.BoundedSemaphore(slots + queue)
        self._on_wait = on_wait
        self._timeout_s = timeout_s

    @contextmanager
    def admit(self) -> Iterator[None]:
        """Hold a slot for the time of the `with` block.

        Raises:
            BusyError: Too many wait already, or no slot came free in time.
        """
        if not self._places.acquire(blocking=False):
            raise BusyError("Too many requests wait for this server. Try again shortly.")
        try:
            started = time.perf_counter()
            if not self._slots.acquire(timeout=self._timeout_s):
                raise BusyError(f"No compute slot came free within {self._timeout_s:g} s. Try again shortly.")
            try:
                self._on_wait(time.perf_counter() - started)
                yield
            finally:
                self._slots.release()
        finally:
            self._places.release()
