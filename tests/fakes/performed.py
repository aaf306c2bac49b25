"""Jobs that do next to nothing, for tests of those who run them. They leave notes in the state folder."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from backend.services.job_process import JobResult, ReportProgress
from backend.state.jobs import Job
from models.errors import TrainingRunError


def quick(notes: Path, job: Job, report: ReportProgress) -> JobResult:
    """Takes no time."""
    _note(notes, job)
    report("learning", 0.5)
    return JobResult("learned", {"version": f"v{job.id}"})


def slow(notes: Path, steps: int, job: Job, report: ReportProgress) -> JobResult:
    """Takes a tenth of a second per step, keeps each step on the disk, and goes on from there."""
    _note(notes, job)
    kept = notes / str(job.id)
    kept.mkdir(exist_ok=True)
    for step in range(steps):
        if not (kept / str(step)).exists():
            time.sleep(0.1)
            (kept / str(step)).touch()
        report("learning", (step + 1) / steps)
    return JobResult("learned", {"steps": steps})


def deaf(notes: Path, job: Job, report: ReportProgress) -> JobResult:
    """Never reports, never ends."""
    _note(notes, job)
    time.sleep(3600)
    return JobResult("", {})


def killed(notes: Path, job: Job, report: ReportProgress) -> JobResult:
    """Dies as if the system had run out of memory."""
    _note(notes, job)
    report("learning", 0.5)
    os.kill(os.getpid(), signal.SIGKILL)
    return JobResult("", {})


def disk_full(notes: Path, job: Job, report: ReportProgress) -> JobResult:
    """Writes to a device that is always full."""
    _note(notes, job)
    try:
        with Path("/dev/full").open("wb", buffering=0) as file:
            file.write(b"weights")
    except OSError as error:
        raise TrainingRunError(f"weights cannot be written ({error.strerror}).") from error
    return JobResult("", {})


def surprised(notes: Path, job: Job, report: ReportProgress) -> JobResult:
    """Raises what nobody expects."""
    _note(notes, job)
    return JobResult("", {"never": 1 / int(len(sys.argv) < 0)})


def starts(notes: Path) -> list[int]:
    """Numbers of the jobs in the order of their starts."""
    file = notes / "starts"
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def _note(notes: Path, job: Job) -> None:
    with (notes / "starts").open("a") as file:
        file.write(f"{job.id}\n")
