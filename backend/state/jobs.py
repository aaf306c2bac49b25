"""Jobs: what is to be learned, what is being learned, and what became of it.

The database is the truth about jobs; the queue in `job_queue` only wakes whoever does them. One job at most
waits for each project and one at most runs: partial unique indexes see to that, whatever happens at the same
time. Who runs a job holds it by the number of its start: after somebody else took it up again, the former
holder's reports are refused with `JobLostError`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Literal

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Engine,
    Row,
    ScalarSelect,
    and_,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from backend.errors import DatabaseError, JobLostError, UnknownJobError
from backend.state.database import as_utc, events, jobs

JobState = Literal["queued", "running", "done", "failed", "cancelled"]
JOB_STATES: tuple[JobState, ...] = ("queued", "running", "done", "failed", "cancelled")
PutBack = Literal["died", "lost", "stopped"]
"""Why a job waits again: its own process died, its worker was lost with it, or the worker was told to end."""
MOST_FRUITLESS: dict[PutBack, int] = {"died": 3, "lost": 10}
"""Starts in a row that may end so without coming further than an earlier one. A lost worker says less about
the job: people and machines kill workers for other reasons."""


@dataclass(frozen=True)
class Job:
    """A job as it was when it was read.

    Attributes:
        id: Its number.
        project_id: Number of the project that it learns from.
        kind: What is done: "fit".
        state: Where it stands.
        reason: Why it was asked for, in words.
        message: How it ended, in words; "" before.
        result: What it brought; None before.
        created_at: When it was asked for, UTC.
        started_at: When it was started first.
        finished_at: When it ended.
        heartbeat_at: When its process was last seen.
        newest_event: Number of the last event that it takes into account.
        stage: What it does at the moment, in words.
        share: Done of the whole, in [0, 1].
        starts: How often it was started.
        fruitless: Starts in a row, the present one included, that came no further than an earlier one.
        cancel_requested: Whether it is to end.
    """

    id: int
    project_id: int
    kind: str
    state: JobState
    reason: str
    message: str
    result: Mapping[str, Any] | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    heartbeat_at: datetime | None
    newest_event: int
    stage: str
    share: float
    starts: int
    fruitless: int
    cancel_requested: bool


class JobStore:
    """Reads and changes jobs, in one short transaction each. Safe between threads and processes.

    Raises:
        DatabaseError: By every method, when the database fails.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def queue(self, project_id: int, reason: str, kind: str = "fit") -> Job | None:
        """Ask for a job.

        Args:
            project_id: The project to learn from.
            reason: Why, in words.
            kind: What to do.

        Returns:
            The new job; None if one of this kind waits for the project already.
        """
        values = {
            "project_id": project_id,
            "kind": kind,
            "state": "queued",
            "reason": reason,
            "message": "",
            "created_at": _now(),
            "newest_event": _newest_event(project_id),
            "stage": "",
            "share": 0.0,
            "best_share": 0.0,
            "starts": 0,
            "fruitless": 0,
            "cancel_requested": False,
        }
        try:
            with self._engine.begin() as connection:
                key = connection.execute(insert(jobs).values(values)).inserted_primary_key
        except IntegrityError:
            return None
        except SQLAlchemyError as error:
            raise DatabaseError.while_doing("queueing a job", error) from error
        if key is None:
            raise DatabaseError("The database stored a job without a number.")
        return self.find(int(key[0]))

    def find(self, number: int) -> Job:
        """The job of a number.

        Raises:
            UnknownJobError: There is none.
        """
        found = self._read(jobs.c.id == number, limit=1)
        if not found:
            raise UnknownJobError(
                f"There is no job {number}. `python -m scripts.jobs list` shows those there are."
            )
        return found[0]

    def newest(self, limit: int, project_id: int | None = None) -> list[Job]:
        """The latest jobs, newest first, of one project or of all."""
        return self._read(*([] if project_id is None else [jobs.c.project_id == project_id]), limit=limit)

    def in_state(self, state: JobState) -> list[Job]:
        """Jobs that stand so, newest first, a thousand at most."""
        return self._read(jobs.c.state == state, limit=1000)

    def last_not_failed(self, project_id: int) -> Job | None:
        """The project's latest job but for those that failed."""
        found = self._read(jobs.c.project_id == project_id, jobs.c.state != "failed", limit=1)
        return found[0] if found else None

    def take(self) -> Job | None:
        """Make the job that waits longest the running one and the caller its holder.

        Returns:
            The job; None if none waits or one runs already.
        """
        waiting = select(func.min(jobs.c.id)).where(jobs.c.state == "queued")
        try:
            with self._engine.connect() as connection:
                number = connection.execute(waiting).scalar_one()
            if number is None:
                return None
            with self._engine.begin() as connection:
                return self._start(connection, number)
        except IntegrityError:  # another one runs
            return None
        except SQLAlchemyError as error:
            raise DatabaseError.while_doing("taking a job", error) from error

    def _start(self, connection: Connection, number: int) -> Job | None:
        """Take a job and read it in one step: who read it later might read another's start."""
        now = _now()
        statement = (
            update(jobs)
            .where(jobs.c.id == number, jobs.c.state == "queued")
            .values(
                state="running",
                started_at=func.coalesce(jobs.c.started_at, now),
                heartbeat_at=now,
                newest_event=_newest_event(jobs.c.project_id),
                stage="starting",
                share=0.0,
                starts=jobs.c.starts + 1,
                fruitless=jobs.c.fruitless + 1,
            )
            .returning(jobs)
        )
        taken = connection.execute(statement).one_or_none()
        return None if taken is None else _job(taken)

    def beat(self, job: Job, stage: str, share: float) -> None:
        """Report that the job lives and how far it is.

        Args:
            job: As taken.
            stage: What is being done, in words.
            share: Done of the whole, in [0, 1].

        Raises:
            JobLostError: The caller does not hold the job any more.
        """
        further = {"best_share": share, "fruitless": 0}
        with_progress = {"heartbeat_at": _now(), "stage": stage, "share": share}
        try:
            with self._engine.begin() as connection:
                held = connection.execute(update(jobs).where(_held(job)).values(with_progress)).rowcount
                connection.execute(update(jobs).where(_held(job), jobs.c.best_share < share).values(further))
        except SQLAlchemyError as error:
            raise DatabaseError.while_doing("reporting on a job", error) from error
        if not held:
            raise JobLostError(f"Job {job.id} was taken up by another worker.")

    def finish(
        self, job: Job, state: JobState, message: str, result: Mapping[str, Any] | None = None
    ) -> None:
        """Write down how the job ended.

        Raises:
            JobLostError: The caller does not hold the job any more.
        """
        share = {"share": 1.0} if state == "done" else {}
        self._release(job, state=state, message=message, result=result, finished_at=_now(), stage="", **share)

    def put_back(self, job: Job, why: PutBack) -> Job:
        """Let the job wait again, for another start to go on with it.

        If a newer one waits for the same project, the newer one is cancelled: this one reads everything anew.
        A job that died or was lost too often fails instead.

        Args:
            job: As taken.
            why: How its start ended.

        Raises:
            JobLostError: The caller does not hold the job any more.
        """
        now = self.find(job.id)
        if now.cancel_requested:
            self.finish(job, "cancelled", "Cancelled while it ran.")
            return self.find(job.id)
        if why in MOST_FRUITLESS and now.fruitless >= MOST_FRUITLESS[why]:
            self.finish(
                job,
                "failed",
                f"Its process died {now.fruitless} times in a row without coming further, last while "
                f"{now.stage or 'starting'}. Often there is too little memory; the log may say more.",
            )
            return self.find(job.id)
        joined = (
            update(jobs)
            .where(jobs.c.state == "queued", jobs.c.project_id == job.project_id, jobs.c.kind == job.kind)
            .values(state="cancelled", finished_at=_now(), message=f"Joined with job {job.id}.")
        )
        fruitless = max(0, now.fruitless - 1) if why == "stopped" else now.fruitless
        self._release(job, joined, state="queued", fruitless=fruitless)
        return self.find(job.id)

    def put_back_lost(self, stale_s: float) -> list[Job]:
        """Let running jobs wait again whose worker has not been seen for some time.

        Args:
            stale_s: Seconds without a sign of life after which the worker counts as dead.

        Returns:
            Them as they are now: waiting, or failed for the last time.
        """
        oldest = _now() - timedelta(seconds=stale_s)
        lost = [job for job in self.in_state("running") if job.heartbeat_at and job.heartbeat_at < oldest]
        put_back = []
        for job in lost:
            try:
                put_back.append(self.put_back(job, "lost"))
            except JobLostError:  # another worker did it, or the holder came back
                continue
        return put_back

    def request_cancel(self, number: int) -> Job:
        """Cancel a job: at once if it waits, as soon as it notices if it runs; one that has ended stays.

        Raises:
            UnknownJobError: There is none of that number.
        """
        self.find(number)
        waits = and_(jobs.c.id == number, jobs.c.state == "queued")
        runs = and_(jobs.c.id == number, jobs.c.state == "running")
        ended = {"state": "cancelled", "finished_at": _now(), "message": "Cancelled while it waited."}
        try:
            with self._engine.begin() as connection:
                connection.execute(update(jobs).where(waits).values(ended))
                connection.execute(update(jobs).where(runs).values(cancel_requested=True))
        except SQLAlchemyError as error:
            raise DatabaseError.while_doing("cancelling a job", error) from error
        return self.find(number)

    def _release(self, job: Job, *before: Any, **values: Any) -> None:
        try:
            with self._engine.begin() as connection:
                for statement in before:
                    connection.execute(statement)
                if not connection.execute(update(jobs).where(_held(job)).values(values)).rowcount:
                    raise JobLostError(f"Job {job.id} was taken up by another worker.")
        except SQLAlchemyError as error:
            raise DatabaseError.while_doing("ending a job", error) from error

    def _read(self, *conditions: ColumnElement[bool], limit: int) -> list[Job]:
        query = select(jobs).where(*conditions).order_by(jobs.c.id.desc()).limit(limit)
        try:
            with self._engine.connect() as connection:
                return [_job(row) for row in connection.execute(query)]
        except SQLAlchemyError as error:
            raise DatabaseError.while_doing("reading jobs", error) from error


def _held(job: Job) -> ColumnElement[bool]:
    return and_(jobs.c.id == job.id, jobs.c.state == "running", jobs.c.starts == job.starts)


def _newest_event(project_id: int | Column[int]) -> ScalarSelect[int]:
    newest = select(func.coalesce(func.max(events.c.id), 0)).where(events.c.project_id == project_id)
    return newest.scalar_subquery()


def _now() -> datetime:
    return datetime.now(timezone.utc)


def _job(row: Row[Any]) -> Job:
    fields = dict(row._mapping)
    del fields["best_share"]
    for name in ("created_at", "started_at", "finished_at", "heartbeat_at"):
        fields[name] = fields[name] and as_utc(fields[name])
    return Job(**fields)
