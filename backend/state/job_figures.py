"""Figures about all jobs, for whoever watches the service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone

from sqlalchemy import Engine, func, select
from sqlalchemy.exc import SQLAlchemyError

from backend.errors import DatabaseError
from backend.state.database import as_utc, jobs
from backend.state.jobs import JOB_STATES


@dataclass(frozen=True)
class JobFigures:
    """Figures at one moment.

    Attributes:
        by_state: Number of jobs that stand so, every state named.
        seconds: From the first start to the end, of each job that is done.
        running: Share that is done of the running job, in [0, 1], by project.
        oldest_waits_s: Age of the job that waits longest, 0 if none waits.
    """

    by_state: Mapping[str, int]
    seconds: tuple[float, ...]
    running: Mapping[int, float]
    oldest_waits_s: float


def read_job_figures(engine: Engine) -> JobFigures:
    """Look at all jobs.

    Raises:
        DatabaseError: The database cannot be read.
    """
    counted = select(jobs.c.state, func.count()).group_by(jobs.c.state)
    took = select(jobs.c.started_at, jobs.c.finished_at).where(jobs.c.state == "done")
    shares = select(jobs.c.project_id, jobs.c.share).where(jobs.c.state == "running")
    oldest = select(func.min(jobs.c.created_at)).where(jobs.c.state == "queued")
    try:
        with engine.connect() as connection:
            by_state = dict.fromkeys(JOB_STATES, 0) | {state: n for state, n in connection.execute(counted)}
            seconds = tuple((end - start).total_seconds() for start, end in connection.execute(took))
            running = {project_id: share for project_id, share in connection.execute(shares)}
            waits_since = connection.execute(oldest).scalar_one()
    except SQLAlchemyError as error:
        raise DatabaseError.while_doing("reading jobs", error) from error
    now = datetime.now(timezone.utc)
    waits_s = 0.0 if waits_since is None else (now - as_utc(waits_since)).total_seconds()
    return JobFigures(by_state, seconds, running, waits_s)
