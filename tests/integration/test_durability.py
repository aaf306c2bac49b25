"""What was answered as stored is there after the process was killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from sqlalchemy import create_engine, select

from backend.state.database import events
from scripts.child_process import clean_environment, free_port

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def killed_at_the_end(state_dir: Path) -> Iterator[httpx.Client]:
    """A real server that ends by SIGKILL of its whole process group, in the middle of whatever it does."""
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "scripts.serve", "--port", str(port)],
        cwd=ROOT,
        env=clean_environment("MASKLOOP_") | {"MASKLOOP_STATE_DIR": str(state_dir)},
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as client:
            deadline = time.monotonic() + 60
            while True:
                try:
                    client.get("/health")
                    break
                except httpx.TransportError:
                    assert time.monotonic() < deadline, "the server did not start"
                    time.sleep(0.1)
            yield client
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait(10)


def stored_tasks(state_dir: Path) -> list[int]:
    engine = create_engine(f"sqlite:///{state_dir / 'maskloop.sqlite3'}")
    with engine.connect() as connection:
        found = [task for (tasks,) in connection.execute(select(events.c.task_ids)) for task in tasks]
    engine.dispose()
    return found


def test_no_answered_event_is_lost_by_a_killed_process(tmp_path: Path) -> None:
    answered: list[int] = []
    for first in (1, 101):
        with killed_at_the_end(tmp_path) as client:
            for number in range(first, first + 20):
                event = {
                    "action": "ANNOTATION_CREATED",
                    "project": {"id": 1},
                    "task": {"id": number},
                    "annotation": {"id": number, "result": []},
                }
                if client.post("/webhook", json=event).status_code == 201:
                    answered.append(number)
    assert answered == [*range(1, 21), *range(101, 121)]
    assert stored_tasks(tmp_path) == answered
