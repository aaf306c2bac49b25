import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import worker_process
from scripts.worker_process import WorkerProcess
from tests.fakes.processes import eventually, lives

UNTIL_STDIN_ENDS = "import sys; sys.stdin.read()"
DEAF = "import time; time.sleep(600)"


def command(code: str) -> tuple[str, ...]:
    return sys.executable, "-c", code


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_process, "_FIRST_PAUSE_S", 0.05)
    monkeypatch.setattr(worker_process, "_STOP_S", 1.0)


@pytest.mark.parametrize("code", [UNTIL_STDIN_ENDS, DEAF], ids=["that listens", "that does not"])
def test_a_worker_is_gone_after_stopping(code: str) -> None:
    worker = WorkerProcess(command(code))
    worker.start()
    eventually(lambda: worker.pid is not None)
    pid = worker.pid
    assert pid is not None
    worker.stop()
    worker.stop()
    assert not lives(pid) and worker.pid is None


def test_a_worker_that_dies_is_started_again(caplog: pytest.LogCaptureFixture) -> None:
    worker = WorkerProcess(command(UNTIL_STDIN_ENDS))
    worker.start()
    eventually(lambda: worker.pid is not None)
    first = worker.pid
    assert first is not None
    os.kill(first, 9)
    eventually(lambda: worker.pid not in (None, first))
    worker.stop()
    assert "exit status -9" in caplog.text


def test_a_worker_that_cannot_live_is_started_ever_more_rarely(caplog: pytest.LogCaptureFixture) -> None:
    worker = WorkerProcess(command("raise SystemExit(3)"))
    worker.start()
    eventually(lambda: caplog.text.count("exit status 3") >= 4, timeout_s=240)
    worker.stop()
    pauses = [record.args[1] for record in caplog.records if isinstance(record.args, tuple)]
    assert pauses[:4] == [0.05, 0.1, 0.2, 0.4]


def test_a_worker_is_gone_when_its_server_was_killed() -> None:
    server = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import time\n"
            "from scripts.worker_process import WorkerProcess\n"
            f"worker = WorkerProcess({command(UNTIL_STDIN_ENDS)!r})\n"
            "worker.start()\n"
            "while worker.pid is None: time.sleep(0.01)\n"
            "print(worker.pid, flush=True)\n"
            "time.sleep(600)",
        ],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).resolve().parents[2],
    )
    assert server.stdout is not None
    pid = int(server.stdout.readline())
    server.kill()
    server.wait(60)
    server.stdout.close()
    eventually(lambda: not lives(pid))
