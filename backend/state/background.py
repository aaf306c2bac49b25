"""Work that no request waits for: one thread, a bounded line, nothing left running at the end."""

from __future__ import annotations

import atexit
import logging
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable

logger = logging.getLogger(__name__)


class Background:
    """Works through a bounded line of jobs, one after the other, in a thread of its own.

    The thread lives only while there are jobs: it starts with the first one, in whatever process that is (so
    forking a server does no harm), and ends with the last. Safe between threads; the lock guards only the
    line and is never held while a job runs.

    Args:
        name: Of the thread, for logs.
        limit: Jobs that may wait; when there are more, the oldest is dropped.
    """

    def __init__(self, name: str, limit: int) -> None:
        self._name = name
        self._limit = limit
        self._lock = threading.Lock()
        self._line: OrderedDict[Hashable, Callable[[], None]] = OrderedDict()
        self._thread: threading.Thread | None = None
        self._stopping = False
        call_at_exit(self.close)

    @property
    def stopping(self) -> bool:
        """Whether jobs should come to an end early."""
        return self._stopping

    def submit(self, key: Hashable, job: Callable[[], None]) -> None:
        """Put a job in line; one with the same key that still waits is replaced and keeps its place.

        A job that raises is logged and does not stop the others. After `close` nothing is taken any more.
        """
        with self._lock:
            if self._stopping:
                return
            self._line[key] = job
            if len(self._line) > self._limit:
                self._line.popitem(last=False)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
                self._thread.start()

    def close(self, timeout_s: float = 10.0) -> None:
        """Drop the jobs that wait, and wait for the one that runs.

        Called by itself when the interpreter ends: a thread that computes then can crash the process.
        """
        with self._lock:
            self._stopping = True
            self._line.clear()
            thread = self._thread
        if thread is not None and thread.is_alive() and thread is not threading.current_thread():
            thread.join(timeout_s)

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._line:
                    self._thread = None
                    return
                _, job = self._line.popitem(last=False)
            try:
                job()
            except Exception:  # the outermost loop: whatever a job does wrong is that job's own
                logger.exception("A background job of %s failed", self._name)


def call_at_exit(method: Callable[[], None]) -> None:
    """Call a bound method when the interpreter ends, latest first, if its object is still in use then."""
    atexit.register(_call_if_alive, weakref.WeakMethod(method))


def _call_if_alive(method: weakref.WeakMethod[Callable[[], None]]) -> None:
    alive = method()
    if alive is not None:
        alive()
