"""Does the jobs that wait, one after the other, and reports on them while they run."""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

from backend.errors import DatabaseError, JobLostError, UnknownJobError
from backend.services.job_process import Died, Ended, JobProcess, Perform, Progress
from backend.state.jobs import Job, JobStore

logger = logging.getLogger(__name__)

STALE_S = 15.0
"""Without a sign of life for so long, a worker counts as dead."""
_POLL_S = 0.25
_BEAT_S = 3.0
_LOOK_S = 1.0
"""Between two looks whether somebody wants the job to end."""
_GRACE_S = 10.0
"""For a job to end by itself."""


class JobRunner:
    """Runs jobs in processes of their own. Its methods may be called by several threads.

    One call of `run_waiting` at a time does the work; the others only make it look once more. The database
    sees to it that among all workers one job runs at a time.

    Args:
        jobs: Where jobs wait.
        perform: Does one, in another process.
        scratch: Folder whose sub-folders, named by number, belong to the jobs until they end.
        after: Called with each job that ended here.
        again: Called with the seconds after which `run_waiting` is worth another call.
    """

    def __init__(
        self,
        jobs: JobStore,
        perform: Perform,
        scratch: Path,
        *,
        after: Callable[[Job], None],
        again: Callable[[float], None],
    ) -> None:
        self._jobs = jobs
        self._perform = perform
        self._scratch = scratch
        self._after = after
        self._again = again
        self._lock = threading.Lock()  # guards the two flags
        self._asked = False
        self._busy = False
        self._stopping = threading.Event()
        self._idle = threading.Event()
        self._idle.set()

    def run_waiting(self) -> None:
        """Do all jobs that wait, those of dead workers included; return when none is left.

        Raises:
            DatabaseError: The database fails. A job that ran then is taken up again later.
        """
        with self._lock:
            self._asked = True
            if self._busy:
                return
            self._busy = True
            self._idle.clear()
        while self._asked_once_more():
            try:
                self._run_all()
            except BaseException:
                self._now_idle()
                raise

    def stop(self, timeout_s: float) -> None:
        """End the running job's process and let the job wait for the next worker, which goes on with it."""
        self._stopping.set()
        self._idle.wait(timeout_s)

    def _asked_once_more(self) -> bool:
        with self._lock:
            asked, self._asked = self._asked, False
            if not asked:
                self._busy = False
                self._idle.set()
            return asked

    def _now_idle(self) -> None:
        with self._lock:
            self._busy = False
            self._idle.set()

    def _run_all(self) -> None:
        self._jobs.put_back_lost(STALE_S)
        self._clear_scratch()
        while not self._stopping.is_set() and (job := self._jobs.take()) is not None:
            logger.info("Job %d begins, start %d: %s", job.id, job.starts, job.reason)
            self._run(job)
            ended = self._jobs.find(job.id)
            logger.info("Job %d is %s. %s", ended.id, ended.state, ended.message)
            self._clear_scratch()
            self._after(ended)
        for job in self._jobs.in_state(
            "running"
        ):  # another worker's; should it be dead, somebody has to notice
            seen_s = (datetime.now(timezone.utc) - (job.heartbeat_at or job.created_at)).total_seconds()
            if not self._stopping.is_set():
                self._again(max(1.0, STALE_S - seen_s))

    def _run(self, job: Job) -> None:
        process = JobProcess(self._perform, job)
        try:
            self._watch(job, process)
        except JobLostError as error:
            logger.warning("%s Its process here is ended.", error)
        finally:
            process.close()

    def _watch(self, job: Job, process: JobProcess) -> None:
        last = Progress("starting", 0.0)
        next_beat = next_look = time.monotonic()
        kill_at: float | None = None
        while True:
            said = process.wait(_POLL_S)
            now = time.monotonic()
            if isinstance(said, Ended):
                return self._jobs.finish(job, said.state, said.message, said.result)
            if isinstance(said, Died):
                logger.error("The process of job %d died with exit status %s", job.id, said.exit_code)
                self._jobs.put_back(job, "died")
                return None
            if self._stopping.is_set():
                process.close()
                self._jobs.put_back(job, "stopped")
                return None
            if kill_at is not None and now >= kill_at:
                return self._jobs.finish(job, "cancelled", "Cancelled while it ran.")
            if said is not None and said.stage != last.stage:
                next_beat = now
            last = said or last
            if now >= next_beat:
                next_beat = now + _BEAT_S
                self._beat(job, last)
            if kill_at is None and now >= next_look:
                next_look = now + _LOOK_S
                if self._is_to_end(job):
                    process.ask_to_end()
                    kill_at = now + _GRACE_S

    def _beat(self, job: Job, progress: Progress) -> None:
        try:
            self._jobs.beat(job, progress.stage, progress.share)
        except DatabaseError as error:  # a full disk, for example; the training may well outlast it
            logger.warning("%s", error)

    def _is_to_end(self, job: Job) -> bool:
        try:
            return self._jobs.find(job.id).cancel_requested
        except DatabaseError as error:
            logger.warning("%s", error)
            return False

    def _clear_scratch(self) -> None:
        """Remove the folders of jobs that have ended, here or in a worker that died just then."""
        for folder in self._scratch.iterdir() if self._scratch.is_dir() else ():
            if folder.name.isdecimal() and self._has_ended(int(folder.name)):
                shutil.rmtree(folder, ignore_errors=True)

    def _has_ended(self, number: int) -> bool:
        try:
            return self._jobs.find(number).state not in ("queued", "running")
        except UnknownJobError:
            return True
