"""One job in a process of its own, which gives its memory back and whose death hurts nobody.

The two processes share a pipe. The job's process reports its progress and how it ended; its parent may ask
it to end. When the parent dies, in whatever way, the pipe closes and the job's process ends at once, as it
would by kill -9: what it has kept in its scratch folder is what the next start goes on from.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, TypeAlias

from backend.errors import JobCancelledError
from backend.state.jobs import Job, JobState
from models.errors import MaskloopError

logger = logging.getLogger(__name__)

_LONGEST_MESSAGE = 2000
_JOIN_S = 10.0


@dataclass(frozen=True)
class JobResult:
    """What a job brought.

    Attributes:
        message: In words, for people.
        values: Plain JSON values, for programs.
    """

    message: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Progress:
    """How far a job is.

    Attributes:
        stage: What it does, in words.
        share: Done of the whole, in [0, 1].
    """

    stage: str
    share: float


@dataclass(frozen=True)
class Ended:
    """How a job ended by itself.

    Attributes:
        state: "done", "failed" or "cancelled".
        message: In words.
        result: Plain JSON values; None unless it is done.
    """

    state: JobState
    message: str
    result: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Died:
    """The process ended without a word.

    Attributes:
        exit_code: As `multiprocessing` gives it: the negative number of the signal, or the exit status.
    """

    exit_code: int | None


ReportProgress: TypeAlias = Callable[[str, float], None]
"""Told the stage and the share; raises `JobCancelledError` when the job is to end."""
Perform: TypeAlias = Callable[[Job, ReportProgress], JobResult]
"""Does a job. It is pickled for the other process, so it is a function of a module or a `partial` of one."""


class JobProcess:
    """A started job. Used by one thread.

    Args:
        perform: Does it.
        job: As taken.
    """

    def __init__(self, perform: Perform, job: Job) -> None:
        context = multiprocessing.get_context("spawn")  # a fork would copy locks that other threads hold
        self._pipe, others = context.Pipe()
        self._process = context.Process(target=_main, args=(others, perform, job), name=f"job-{job.id}")
        self._process.start()
        others.close()

    def wait(self, timeout_s: float) -> Progress | Ended | Died | None:
        """The next thing that the process says; None if it says nothing in that time."""
        try:
            if not self._pipe.poll(timeout_s):
                return None
            said: Progress | Ended = self._pipe.recv()
        except (EOFError, OSError):
            self._process.join(_JOIN_S)
            return Died(self._process.exitcode)
        return said

    def ask_to_end(self) -> None:
        """Let the next report raise `JobCancelledError`."""
        try:
            self._pipe.send("end")
        except OSError:
            logger.debug("The process of the job has ended already")

    def close(self) -> None:
        """Make sure that the process is gone."""
        self._process.kill()
        self._process.join(_JOIN_S)
        self._pipe.close()


def _main(pipe: Connection, perform: Perform, job: Job) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the worker, which then closes the pipe
    cancelled = threading.Event()
    threading.Thread(target=_listen, args=(pipe, cancelled), name="listen", daemon=True).start()

    def report(stage: str, share: float) -> None:
        if cancelled.is_set():
            raise JobCancelledError(f"Job {job.id} is to end.")
        pipe.send(Progress(stage, share))

    pipe.send(_outcome(perform, job, report))


def _listen(pipe: Connection, cancelled: threading.Event) -> None:
    try:
        while pipe.recv() == "end":
            cancelled.set()
    except (EOFError, OSError):
        os._exit(1)  # the worker is gone; whoever comes next goes on from what is on the disk


def _outcome(perform: Perform, job: Job, report: ReportProgress) -> Ended:
    try:
        result = perform(job, report)
    except JobCancelledError:
        return Ended("cancelled", "Cancelled while it ran.")
    except MaskloopError as error:
        return Ended("failed", str(error)[:_LONGEST_MESSAGE])
    except Exception as error:  # the outermost loop: whatever goes wrong is this job's end, not the worker's
        logger.exception("Job %d failed", job.id)
        return Ended("failed", f"{type(error).__name__}: {error}"[:_LONGEST_MESSAGE])
    return Ended("done", result.message, result.values)
