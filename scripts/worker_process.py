"""The worker as a child of the server: started again when it dies, gone when the server is gone."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time

from backend.state.background import call_at_exit

logger = logging.getLogger(__name__)

_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 60.0
_STABLE_S = 60.0
"""A worker that lived so long starts again without a longer pause."""
_STOP_S = 6.0


class WorkerProcess:
    """Keeps one `python -m scripts.worker` running, from `start` to `stop` or the end of this process.

    The worker ends when its standard input does, and the system closes that when this process dies, in
    whatever way. It has a session of its own, so that a Ctrl-C in the terminal reaches only the server.

    Args:
        command: The program and its arguments; the default is the worker.
    """

    def __init__(self, command: tuple[str, ...] = ()) -> None:
        self._command = command or (sys.executable, "-m", "scripts.worker", "--with-parent")
        self._stopping = threading.Event()
        self._lock = threading.Lock()  # so that nothing starts after `stop`
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep_running, name="worker-process", daemon=True)

    @property
    def pid(self) -> int | None:
        """Number of the running process, None while there is none."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def start(self) -> None:
        """Start the worker, and again whenever it dies, after a pause that doubles up to a minute."""
        call_at_exit(self.stop)
        self._thread.start()

    def stop(self) -> None:
        """Ask the worker to end, which takes a moment, and make sure that it does; harmless when repeated."""
        with self._lock:
            self._stopping.set()
            process = self._process
        if process is None:
            return
        _close_input(process)
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _keep_running(self) -> None:
        pause_s = _FIRST_PAUSE_S
        while (process := self._started()) is not None:
            started = time.monotonic()
            status = process.wait()
            _close_input(process)
            if self._stopping.is_set():
                return
            if time.monotonic() - started >= _STABLE_S:
                pause_s = _FIRST_PAUSE_S
            logger.error("The worker ended with exit status %s; it starts again in %.0f s", status, pause_s)
            self._stopping.wait(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _started(self) -> subprocess.Popen[bytes] | None:
        with self._lock:
            if self._stopping.is_set():
                return None
            self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, start_new_session=True)
            return self._process


def _close_input(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()
