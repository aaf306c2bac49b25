"""Inspections in a process of their own, which stays for the next ones: it has loaded PyTorch.

They do not wait for a training, and a picture that kills the process kills nothing else. The process ends
when nothing was to be done for some time, and as soon as its parent does, in whatever way.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import TypeAlias

from models.errors import MaskloopError

logger = logging.getLogger(__name__)

_IDLE_S = 1800.0
"""An annotator's break should not cost the next one a start of three seconds."""
_POLL_S = 0.25

InspectProject: TypeAlias = Callable[[int], int]
"""Inspects all that is due in a project, and returns how many tasks."""
MakeInspector: TypeAlias = Callable[[], InspectProject]
"""Called in the other process. It is pickled, so it is a function of a module or a `partial` of one."""


class InspectionProcess:
    """Inspects projects one after the other. Its methods may be called by several threads.

    One call of `inspect` at a time does the work; the others leave it their projects.

    Args:
        make: Makes what inspects.
    """

    def __init__(self, make: MakeInspector) -> None:
        self._make = make
        self._lock = threading.Lock()  # guards the two below
        self._waiting: dict[int, None] = {}
        self._busy = False
        self._stopping = threading.Event()
        self._idle = threading.Event()
        self._idle.set()
        self._running: tuple[BaseProcess, Connection] | None = None

    def inspect(self, project_id: int) -> None:
        """Inspect all that is due in a project, at once or after those that wait."""
        with self._lock:
            self._waiting[project_id] = None
            if self._busy or self._stopping.is_set():
                return
            self._busy = True
            self._idle.clear()
        try:
            while (number := self._next()) is not None:
                self._do(number)
        except BaseException:
            with self._lock:
                self._now_idle()
            raise

    def stop(self, timeout_s: float) -> None:
        """End the process; what is due waits in the database."""
        self._stopping.set()
        self._idle.wait(timeout_s)
        self._close()

    def _next(self) -> int | None:
        with self._lock:
            number = next(iter(self._waiting), None)
            if number is None or self._stopping.is_set():
                self._now_idle()  # whoever comes from now on works himself
                return None
            del self._waiting[number]
            return number

    def _now_idle(self) -> None:
        self._busy = False
        self._idle.set()

    def _do(self, project_id: int) -> None:
        process, pipe = self._started()
        try:
            pipe.send(project_id)
            while not pipe.poll(_POLL_S):
                if self._stopping.is_set():
                    return
            problem = pipe.recv()
        except (EOFError, OSError):
            self._close()
            logger.error(
                "The process that inspects project %d died with exit status %s", project_id, process.exitcode
            )
            return
        if problem:
            logger.warning("Project %d is inspected later: %s", project_id, problem)

    def _started(self) -> tuple[BaseProcess, Connection]:
        if self._running is None or not self._running[0].is_alive():
            self._close()
            context = multiprocessing.get_context("spawn")  # a fork would copy locks that other threads hold
            pipe, others = context.Pipe()
            process = context.Process(target=_main, args=(others, self._make), name="inspections")
            process.start()
            others.close()
            self._running = process, pipe
        return self._running

    def _close(self) -> None:
        running, self._running = self._running, None
        if running is not None:
            running[0].kill()
            running[0].join()
            running[1].close()


def _main(pipe: Connection, make: MakeInspector) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the worker, which then ends this process
    parent = multiprocessing.parent_process()
    threading.Thread(target=_end_with, args=(parent,), name="parent", daemon=True).start()
    inspect: InspectProject | None = None
    while pipe.poll(_IDLE_S):
        project_id = pipe.recv()
        try:
            inspect = inspect or make()
            inspect(project_id)
        except MaskloopError as error:
            pipe.send(str(error))
        except Exception as error:  # the outermost loop: whatever goes wrong is this project's own
            logger.exception("Inspecting project %d failed", project_id)
            pipe.send(f"{type(error).__name__}: {error}")
        else:
            pipe.send("")


def _end_with(parent: BaseProcess | None) -> None:
    if parent is not None:
        parent.join()
    os._exit(1)
