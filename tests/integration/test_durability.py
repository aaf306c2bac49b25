"""What was answered as stored is there after the process was killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import httpx
from sqlalchemy import create_engine, select

from backend.state.database import clicks, events
from scripts.child_process import clean_environment, free_port
from tests.fakes.requests import COIN_CENTRES, coins_picture, point, predict_body, task

ROOT = Path(__file__).resolve().parents[2]
_PATIENCE_S = 120.0


@contextmanager
def server_ended_by(ending: signal.Signals, state_dir: Path, **settings: str) -> Iterator[httpx.Client]:
    """A real server whose whole process group gets a signal at the end, in the middle of whatever it does."""
    port = free_port()
    environment = clean_environment("MASKLOOP_") | {"MASKLOOP_STATE_DIR": str(state_dir)} | settings
    server = subprocess.Popen(
        [sys.executable, "-m", "scripts.serve", "--port", str(port)],
        cwd=ROOT,
        env=environment,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as client:
            deadline = time.monotonic() + _PATIENCE_S
            while True:
                try:
                    client.get("/health")
                    break
                except httpx.TransportError:
                    assert time.monotonic() < deadline, "the server did not start"
                    time.sleep(0.1)
            yield client
    finally:
        os.killpg(server.pid, ending)
        server.wait(_PATIENCE_S)


def stored_tasks(state_dir: Path) -> list[int]:
    engine = create_engine(f"sqlite:///{state_dir / 'maskloop.sqlite3'}")
    with engine.connect() as connection:
        found = [task for (tasks,) in connection.execute(select(events.c.task_ids)) for task in tasks]
    engine.dispose()
    return found


def test_no_answered_event_is_lost_by_a_killed_process(tmp_path: Path) -> None:
    answered: list[int] = []
    for first in (1, 101):
        with server_ended_by(signal.SIGKILL, tmp_path) as client:
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


def test_no_answered_click_is_missing_in_the_log_of_a_server_that_was_told_to_end(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "coins.png"), coins_picture(600, 800))
    picture = task("/data/local-files/?d=coins.png")
    with server_ended_by(signal.SIGTERM, tmp_path, MASKLOOP_LOCAL_FILES_ROOT=str(tmp_path)) as client:
        for centre in COIN_CENTRES:
            answer = client.post("/predict", json=predict_body(picture, prompts=[point(*centre)]))
            assert answer.status_code == 200
    engine = create_engine(f"sqlite:///{tmp_path / 'maskloop.sqlite3'}")
    with engine.connect() as connection:
        logged = [row.prompts["clicks"][0][:2] for row in connection.execute(select(clicks))]
    engine.dispose()
    assert [(round(row), round(column)) for row, column in logged] == list(COIN_CENTRES)
