import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from backend.services.job_process import Perform
from backend.services.job_runner import JobRunner
from backend.state.database import open_database
from backend.state.jobs import MOST_FRUITLESS, Job, JobStore
from tests.fakes import performed


class Runner:
    """A job runner of its own over a shared database and notes."""

    def __init__(self, folder: Path, perform: Perform) -> None:
        self.engine: Engine = open_database(f"sqlite:///{folder / 'db.sqlite3'}")
        self.jobs = JobStore(self.engine)
        self.after: list[int] = []
        self.again: list[float] = []
        self.scratch = folder / "scratch"
        self.runner = JobRunner(
            self.jobs,
            perform,
            self.scratch,
            after=lambda job: self.after.append(job.id),
            again=self.again.append,
        )

    def in_background(self) -> threading.Thread:
        thread = threading.Thread(target=self.runner.run_waiting)
        thread.start()
        return thread

    def until(self, state: str) -> Job:
        return eventually(lambda: self.jobs.find(1), lambda job: job.state == state)

    def until_it_reports(self) -> Job:
        return eventually(lambda: self.jobs.find(1), lambda job: job.share > 0)


def eventually(look: Callable[[], Job], good: Callable[[Job], bool], timeout_s: float = 60.0) -> Job:
    deadline = time.monotonic() + timeout_s
    while not good(job := look()):
        assert time.monotonic() < deadline, job
        time.sleep(0.05)
    return job


def test_all_jobs_that_wait_are_done_in_turn(tmp_path: Path) -> None:
    one = Runner(tmp_path, partial(performed.quick, tmp_path))
    for project_id in (5, 3):
        one.jobs.queue(project_id, "asked")
    one.runner.run_waiting()
    assert performed.starts(tmp_path) == one.after == [1, 2]
    assert [job.result for job in one.jobs.newest(2)] == [{"version": "v2"}, {"version": "v1"}]
    assert one.again == []


@pytest.mark.parametrize(
    ("perform", "message"),
    [
        (performed.disk_full, "weights cannot be written (No space left on device)."),
        (performed.surprised, "ZeroDivisionError: division by zero"),
    ],
    ids=["disk full", "surprise"],
)
def test_a_job_that_goes_wrong_fails_with_its_message_and_the_next_one_is_done(
    tmp_path: Path, perform: Callable[..., object], message: str
) -> None:
    one = Runner(tmp_path, partial(perform, tmp_path))  # type: ignore[arg-type] # pickled, so no lambda
    one.jobs.queue(1, "asked")
    one.jobs.queue(2, "asked")
    one.runner.run_waiting()
    assert [(job.state, job.message) for job in one.jobs.newest(2)] == [("failed", message)] * 2


def test_a_job_whose_process_is_killed_each_time_fails_in_the_end(tmp_path: Path) -> None:
    one = Runner(tmp_path, partial(performed.killed, tmp_path))
    one.jobs.queue(1, "asked")
    one.runner.run_waiting()
    assert one.jobs.find(1).state == "failed"
    assert f"died {MOST_FRUITLESS['died']} times in a row" in one.jobs.find(1).message
    assert len(performed.starts(tmp_path)) == MOST_FRUITLESS["died"] + 1, (
        "the first one came further than none before"
    )


def test_a_running_job_ends_by_itself_when_it_is_cancelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.services.job_runner._GRACE_S", 3600.0)
    one = Runner(tmp_path, partial(performed.slow, tmp_path, 3_000))
    one.jobs.queue(1, "asked")
    thread = one.in_background()
    one.until_it_reports()
    one.jobs.request_cancel(1)
    one.until("cancelled")
    thread.join(60)
    assert not thread.is_alive()


def test_a_job_that_does_not_listen_is_ended_by_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.services.job_runner._GRACE_S", 0.5)
    one = Runner(tmp_path, partial(performed.deaf, tmp_path))
    one.jobs.queue(1, "asked")
    thread = one.in_background()
    one.until("running")
    one.jobs.request_cancel(1)
    one.until("cancelled")
    thread.join(60)
    assert not thread.is_alive()


def test_a_runner_that_stops_leaves_its_job_to_the_next_one_which_goes_on(tmp_path: Path) -> None:
    one = Runner(tmp_path, partial(performed.slow, tmp_path, 3_000))
    one.jobs.queue(1, "asked")
    thread = one.in_background()
    one.until_it_reports()
    one.runner.stop(60)
    thread.join(60)
    assert one.jobs.find(1).state == "queued"
    kept = {step.name: step.stat().st_mtime for step in (tmp_path / "1").iterdir()}
    assert kept
    other = Runner(tmp_path, partial(performed.slow, tmp_path, len(kept) + 3))
    other.runner.run_waiting()
    assert other.jobs.find(1).state == "done"
    assert {name: (tmp_path / "1" / name).stat().st_mtime for name in kept} == kept


def test_two_runners_do_each_job_once(tmp_path: Path) -> None:
    runners = [Runner(tmp_path, partial(performed.slow, tmp_path, 3)) for _ in range(2)]
    for project_id in range(4):
        runners[0].jobs.queue(project_id, "asked")
    threads = [runner.in_background() for runner in runners]
    for thread in threads:
        thread.join(120)
    assert [job.state for job in runners[0].jobs.newest(4)] == ["done"] * 4
    assert performed.starts(tmp_path) == [1, 2, 3, 4]


def test_a_runner_beside_another_one_that_is_busy_looks_again_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.services.job_runner.STALE_S", 600.0)
    one = Runner(tmp_path, partial(performed.quick, tmp_path))
    one.jobs.queue(1, "asked")
    one.jobs.take()  # by a worker that was killed right then
    one.runner.run_waiting()
    assert performed.starts(tmp_path) == []
    assert one.again == [pytest.approx(600, abs=60)]


def test_the_job_of_a_worker_that_was_not_seen_for_long_is_taken_up(tmp_path: Path) -> None:
    one = Runner(tmp_path, partial(performed.quick, tmp_path))
    one.jobs.queue(1, "asked")
    one.jobs.take()
    with one.engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET heartbeat_at = '2026-01-01 00:00:00.000000'"))
    one.runner.run_waiting()
    assert (one.jobs.find(1).state, one.jobs.find(1).starts) == ("done", 2)


def test_a_job_that_another_worker_took_up_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = Runner(tmp_path, partial(performed.slow, tmp_path, 3_000))
    one.jobs.queue(1, "asked")
    thread = one.in_background()
    one.until_it_reports()
    monkeypatch.setattr(one.jobs, "take", lambda: None)  # the other worker is faster
    other = JobStore(one.engine)
    other.put_back_lost(stale_s=-1)
    assert other.take() is not None
    thread.join(60)
    assert not thread.is_alive()
    assert one.jobs.find(1).state == "running", "the other worker's"


def test_the_folders_of_ended_jobs_are_removed_and_no_others(tmp_path: Path) -> None:
    one = Runner(tmp_path, partial(performed.quick, tmp_path))
    one.jobs.queue(1, "asked")
    one.jobs.queue(2, "asked")
    for name in ("1", "7", "notes"):
        (one.scratch / name).mkdir(parents=True)
    one.jobs.request_cancel(2)
    (one.scratch / "2").mkdir()
    one.runner.run_waiting()
    assert [path.name for path in one.scratch.iterdir()] == ["notes"]
