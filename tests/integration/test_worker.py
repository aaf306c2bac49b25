"""A real server and real worker processes over one state folder; only what a job does is a fake."""

import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, func, select, text

from backend.app import create_app
from backend.settings import Settings
from backend.state.database import events, open_database
from backend.state.jobs import Job, JobStore
from scripts.child_process import clean_environment
from tests.fakes import performed

ROOT = Path(__file__).resolve().parents[2]
QUIET_S = 10
LONG = 3000
"""Steps of a `slow` job that nobody waits for: five minutes."""
_PATIENCE_S = 120.0


@contextmanager
def worker(folder: Path, kind: str, *steps: int, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker process whose jobs are fakes; it is killed at the end, and the process of its job follows."""
    environment = clean_environment("MASKLOOP_") | {
        "MASKLOOP_STATE_DIR": str(folder / "state"),
        "MASKLOOP_FIT_QUIET_S": str(QUIET_S),
        **settings,
    }
    with (folder / "worker.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.fakes.worker_main", kind, str(folder), *map(str, steps)],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
        )
    try:
        yield process
    finally:
        process.kill()
        assert process.stdin is not None and process.stdout is not None
        process.stdin.close()
        process.stdout.read()  # nothing, until the last process that has this output ends
        process.stdout.close()
        process.wait()


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return open_database(f"sqlite:///{tmp_path / 'state' / 'maskloop.sqlite3'}")


@pytest.fixture
def jobs(engine: Engine) -> JobStore:
    return JobStore(engine)


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def annotated(number: int, action: str = "ANNOTATION_CREATED") -> dict[str, object]:
    return {
        "action": action,
        "project": {"id": 7},
        "task": {"id": number},
        "annotation": {"id": number, "result": [], "was_cancelled": False},
    }


def send(client: FlaskClient, number: int) -> float:
    begun = time.monotonic()
    assert client.post("/webhook", json=annotated(number)).status_code == 201
    return time.monotonic() - begun


def test_a_thousand_webhooks_are_all_stored_and_make_two_trainings_at_most(
    tmp_path: Path, engine: Engine, jobs: JobStore
) -> None:
    app = create_app(Settings(state_dir=tmp_path / "state", fit_quiet_s=QUIET_S))
    with worker(tmp_path, "quick"):
        begun = time.monotonic()
        with ThreadPoolExecutor(8) as pool:
            times = sorted(pool.map(lambda number: send(app.test_client(), number), range(1000)))
        flood_s = time.monotonic() - begun
        with engine.connect() as connection:
            newest = connection.execute(select(func.max(events.c.id))).scalar_one()
            assert connection.execute(select(func.count()).select_from(events)).scalar_one() == 1000
        eventually(lambda: any(job.newest_event == newest and job.state == "done" for job in jobs.newest(9)))
    assert len(performed.starts(tmp_path)) <= 1 + math.ceil(flood_s / QUIET_S)
    assert times[len(times) // 2] < 0.2, "submitting waits for this"


def queue_one(jobs: JobStore) -> int:
    job = jobs.queue(7, "asked")
    assert job is not None
    return job.id


def running_and_moving(jobs: JobStore, number: int) -> bool:
    job = jobs.find(number)
    return job.state == "running" and job.share > 0


def forget_heartbeat(engine: Engine) -> None:
    """As if the dead worker had been gone for a while."""
    with engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET heartbeat_at = '2026-01-01 00:00:00.000000'"))


def test_a_job_whose_worker_is_killed_again_and_again_is_finished_and_loses_nothing(
    tmp_path: Path, engine: Engine, jobs: JobStore
) -> None:
    number = queue_one(jobs)
    seen: list[set[str]] = [set()]
    for _ in range(3):
        with worker(tmp_path, "slow", LONG):
            eventually(lambda: running_and_moving(jobs, number) and steps(tmp_path, number) > seen[-1])
        seen.append(steps(tmp_path, number))
        forget_heartbeat(engine)
    with worker(tmp_path, "slow", len(seen[-1]) + 10):
        eventually(lambda: jobs.find(number).state == "done")
    assert seen[0] < seen[1] < seen[2] < seen[3] < steps(tmp_path, number)
    assert jobs.find(number).starts == 4
    assert [job.id for job in jobs.newest(5)] == [number]


def steps(folder: Path, number: int) -> set[str]:
    """What a `slow` job has kept."""
    return {step.name for step in (folder / str(number)).glob("*")}


def test_the_process_of_a_job_ends_when_its_worker_is_killed(tmp_path: Path, jobs: JobStore) -> None:
    number = queue_one(jobs)
    with worker(tmp_path, "slow", LONG):
        eventually(lambda: running_and_moving(jobs, number))
    assert 0 < len(steps(tmp_path, number)) < LONG


@pytest.mark.parametrize("ending", ["SIGTERM", "SIGINT", "closed input"])
def test_a_worker_that_is_told_to_end_does_so_soon_and_its_job_waits_for_the_next(
    tmp_path: Path, jobs: JobStore, ending: str
) -> None:
    number = queue_one(jobs)
    with worker(tmp_path, "slow", LONG) as process:
        eventually(lambda: running_and_moving(jobs, number))
        if ending == "closed input":
            assert process.stdin is not None
            process.stdin.close()
        else:
            process.send_signal(signal.Signals[ending])
        assert process.wait(_PATIENCE_S) == 0
    job = jobs.find(number)
    assert (job.state, job.fruitless) == ("queued", 0)


def test_two_workers_do_a_job_once(tmp_path: Path, jobs: JobStore) -> None:
    number = queue_one(jobs)
    with worker(tmp_path, "slow", 50), worker(tmp_path, "slow", 50):
        eventually(lambda: jobs.find(number).state == "done")
    assert performed.starts(tmp_path) == [number]


def test_a_full_disk_fails_the_job_and_not_the_worker(tmp_path: Path, jobs: JobStore) -> None:
    number = queue_one(jobs)
    with worker(tmp_path, "disk_full") as process:
        eventually(lambda: jobs.find(number).state == "failed")
        assert process.poll() is None
    assert "No space left on device" in jobs.find(number).message


def test_a_waiting_worker_is_small_and_lets_others_go_first(tmp_path: Path) -> None:
    with worker(tmp_path, "quick") as process:
        eventually(lambda: "waits for jobs" in (tmp_path / "worker.log").read_text())
        assert os.getpriority(os.PRIO_PROCESS, process.pid) >= 10
        assert "libtorch" not in Path(f"/proc/{process.pid}/maps").read_text()


def test_a_job_asked_for_by_another_process_begins_within_seconds(tmp_path: Path, jobs: JobStore) -> None:
    app = create_app(Settings(state_dir=tmp_path / "state"))
    with worker(tmp_path, "quick"):
        eventually(lambda: "waits for jobs" in (tmp_path / "worker.log").read_text())
        time.sleep(2)  # the first round is over, and the next one comes in a minute
        asked_at = datetime.now(timezone.utc)
        app.test_client().post("/webhook", json={"action": "START_TRAINING", "project": {"id": 7}})
        eventually(lambda: states(jobs.newest(1)) == ["done"])
    [job] = jobs.newest(5)
    assert job.started_at is not None
    assert (job.started_at - asked_at).total_seconds() < 40


def states(found: list[Job]) -> list[str]:
    return [job.state for job in found]
