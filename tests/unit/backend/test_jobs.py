from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Engine

from backend.errors import DatabaseError, JobLostError, UnknownJobError
from backend.state.database import jobs, open_database
from backend.state.event_inbox import EventInbox
from backend.state.jobs import Job, JobStore, PutBack


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return open_database(f"sqlite:///{tmp_path / 'db.sqlite3'}")


@pytest.fixture
def store(engine: Engine) -> JobStore:
    return JobStore(engine)


def queued(store: JobStore, project_id: int = 1) -> Job:
    job = store.queue(project_id, "8 new annotations")
    assert job is not None
    return job


def taken(store: JobStore) -> Job:
    job = store.take()
    assert job is not None
    return job


def test_a_second_job_for_a_project_is_not_queued_while_one_waits(store: JobStore) -> None:
    queued(store, 1)
    assert store.queue(1, "again") is None
    assert queued(store, 2).project_id == 2
    taken(store)
    assert store.queue(1, "again") is not None


def test_many_who_ask_at_once_get_one_job(store: JobStore) -> None:
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(store.queue, 1, "asked") for _ in range(16)]
    assert sum(one.result() is not None for one in asked) == 1


def test_one_job_runs_at_a_time_and_the_one_that_waits_longest_is_next(store: JobStore) -> None:
    first, second = queued(store, 3), queued(store, 1)
    with ThreadPoolExecutor(8) as pool:
        takers = [pool.submit(store.take) for _ in range(8)]
    assert [job.id for taker in takers if (job := taker.result())] == [first.id]
    store.finish(store.find(first.id), "done", "")
    assert taken(store).id == second.id
    assert store.take() is None


def test_a_job_takes_into_account_what_was_stored_before_it_starts(engine: Engine, store: JobStore) -> None:
    assert queued(store, 1).newest_event == 0
    for project_id in (1, 1, 2):
        EventInbox(engine).add(
            action="START_TRAINING",
            project_id=project_id,
            task_ids=(),
            annotation_ids=(),
            skipped=False,
            body={},
        )
    assert taken(store).newest_event == 2


def test_progress_and_the_end_are_written_down(store: JobStore) -> None:
    queued(store)
    job = taken(store)
    store.beat(job, "learning", 0.25)
    now = store.find(job.id)
    assert (now.state, now.stage, now.share, now.starts) == ("running", "learning", 0.25, 1)
    store.finish(job, "done", "Version v is in use.", {"version": "v"})
    end = store.find(job.id)
    assert (end.state, end.message, end.result, end.share) == (
        "done",
        "Version v is in use.",
        {"version": "v"},
        1.0,
    )
    assert end.finished_at is not None and end.started_at is not None
    assert end.created_at <= end.started_at <= end.finished_at


def test_a_worker_that_was_not_seen_for_long_loses_its_job(store: JobStore) -> None:
    queued(store)
    lost = taken(store)
    assert store.put_back_lost(stale_s=60) == []
    assert [job.state for job in store.put_back_lost(stale_s=0)] == ["queued"]
    again = taken(store)
    assert (again.id, again.starts) == (lost.id, 2)
    for report in (
        lambda: store.beat(lost, "learning", 0.9),
        lambda: store.finish(lost, "done", ""),
        lambda: store.put_back(lost, "stopped"),
    ):
        with pytest.raises(JobLostError):
            report()
    store.beat(again, "learning", 0.1)
    assert store.find(again.id).share == 0.1


def crash(store: JobStore, *, share: float, why: PutBack = "died") -> Job:
    job = taken(store)
    store.beat(job, "learning", share)
    return store.put_back(job, why)


@pytest.mark.parametrize(("why", "most"), [("died", 3), ("lost", 10)])
def test_a_job_whose_process_dies_again_and_again_fails(store: JobStore, why: PutBack, most: int) -> None:
    queued(store)
    states = [crash(store, share=0.0, why=why).state for _ in range(most)]
    assert states == ["queued"] * (most - 1) + ["failed"]
    [job] = store.newest(10)
    assert f"died {most} times" in job.message and "learning" in job.message


def test_a_job_that_comes_further_each_time_goes_on(store: JobStore) -> None:
    queued(store)
    assert [crash(store, share=0.1 * start).state for start in range(1, 8)] == ["queued"] * 7


def test_a_worker_that_is_told_to_end_is_not_held_against_the_job(store: JobStore) -> None:
    queued(store)
    for _ in range(5):
        assert store.put_back(taken(store), "stopped").state == "queued"
    assert taken(store).fruitless == 1


def test_a_job_that_is_taken_up_again_replaces_the_one_that_waits_behind_it(store: JobStore) -> None:
    queued(store)
    running = taken(store)
    behind = queued(store)
    assert store.put_back(running, "lost").state == "queued"
    assert store.find(behind.id).state == "cancelled"
    assert store.find(behind.id).message == f"Joined with job {running.id}."


@pytest.mark.parametrize(
    ("prepare", "state", "requested"),
    [
        (lambda store: None, "cancelled", False),
        (lambda store: taken(store), "running", True),
        (lambda store: store.finish(taken(store), "done", ""), "done", False),
    ],
    ids=["waiting", "running", "ended"],
)
def test_a_job_is_cancelled_at_once_or_told_to_end_or_left_alone(
    store: JobStore, prepare: Callable[[JobStore], object], state: str, requested: bool
) -> None:
    number = queued(store).id
    prepare(store)
    job = store.request_cancel(number)
    assert (job.state, job.cancel_requested) == (state, requested)


def test_a_job_that_was_to_end_when_its_worker_died_does_not_start_again(store: JobStore) -> None:
    number = queued(store).id
    taken(store)
    store.request_cancel(number)
    assert [job.state for job in store.put_back_lost(stale_s=0)] == ["cancelled"]


def test_the_last_job_that_did_not_fail_is_found(store: JobStore) -> None:
    assert store.last_not_failed(1) is None
    good = queued(store)
    store.finish(taken(store), "done", "")
    queued(store)
    store.finish(taken(store), "failed", "disk full")
    queued(store, 2)
    last = store.last_not_failed(1)
    assert last is not None and last.id == good.id
    assert [job.state for job in store.newest(5, project_id=1)] == ["failed", "done"]


def test_an_unknown_job_is_said(store: JobStore) -> None:
    with pytest.raises(UnknownJobError, match="no job 7"):
        store.request_cancel(7)


def test_a_database_without_its_table_is_a_database_error(engine: Engine, store: JobStore) -> None:
    jobs.drop(engine)
    for call in (
        lambda: store.queue(1, ""),
        store.take,
        lambda: store.newest(1),
    ):
        with pytest.raises(DatabaseError):
            call()
