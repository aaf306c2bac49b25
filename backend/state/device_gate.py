"""Admission to the device: few computations at once, a bounded number in line, and idle time for the rest."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from backend.errors import BusyError


class DeviceGate:
    """Lets a bounded number of computations run and a bounded number wait; the rest is refused at once.

    Those who wait are admitted in order of arrival. Work that nobody waits for is admitted only while the
    device has nothing else to do, one at a time; with two slots or more it never makes anybody wait.

    Safe between threads. The gate's lock is held only to look at the line, never while computing. Rules for
    callers, so that nobody waits in a circle: a computation must not enter twice, and while it holds a slot
    it may wait only for others that hold one.

    Args:
        slots: Computations that run at the same time.
        queue: Computations that may wait for a slot.
        on_wait: Told the seconds waited, with each admission from the line or past it.
        on_refused: Told each time that somebody is sent away.
        prepare_thread: Called in the thread of each computation before it begins, such as to limit the
            threads that it may start itself.
        timeout_s: Longest wait; Label Studio gives up after 100 s.
    """

    def __init__(
        self,
        slots: int,
        queue: int,
        *,
        on_wait: Callable[[float], None],
        on_refused: Callable[[], None] = lambda: None,
        prepare_thread: Callable[[], None] = lambda: None,
        timeout_s: float = 60.0,
    ) -> None:
        self._slots = slots
        self._queue = queue
        self._on_wait = on_wait
        self._on_refused = on_refused
        self._prepare_thread = prepare_thread
        self._timeout_s = timeout_s
        self._running = 0
        self._line: deque[object] = deque()
        self._changed = threading.Condition()

    @property
    def waiting(self) -> int:
        """Computations in line now."""
        with self._changed:
            return len(self._line)

    @contextmanager
    def admit(self) -> Iterator[None]:
        """Hold a slot for the time of the `with` block.

        Raises:
            BusyError: Too many wait already, or no slot came free in time.
        """
        started = time.perf_counter()
        try:
            self._enter()
        except BusyError:
            self._on_refused()
            raise
        try:
            self._on_wait(time.perf_counter() - started)
            self._prepare_thread()
            yield
        finally:
            self._leave()

    @contextmanager
    def admit_when_idle(self, patience_s: float) -> Iterator[bool]:
        """Hold a slot for the time of the `with` block if nobody computes or waits.

        Args:
            patience_s: How long to wait for that.

        Returns:
            Whether there is a slot; without one the block must not compute.
        """
        with self._changed:
            idle = self._changed.wait_for(lambda: not self._running and not self._line, patience_s)
            if idle:
                self._running += 1
        try:
            if idle:
                self._prepare_thread()
            yield idle
        finally:
            if idle:
                self._leave()

    def _enter(self) -> None:
        with self._changed:
            if self._running >= self._slots or self._line:
                self._wait_in_line()
            self._running += 1

    def _wait_in_line(self) -> None:
        if len(self._line) >= self._queue:
            raise BusyError("Too many requests wait for this server. Try again shortly.")
        ticket = object()
        self._line.append(ticket)
        try:
            admitted = self._changed.wait_for(
                lambda: self._line[0] is ticket and self._running < self._slots, self._timeout_s
            )
        finally:
            self._line.remove(ticket)
            self._changed.notify_all()  # the next one may be first now
        if not admitted:
            raise BusyError(f"No compute slot came free within {self._timeout_s:g} s. Try again shortly.")

    def _leave(self) -> None:
        with self._changed:
            self._running -= 1
            self._changed.notify_all()
