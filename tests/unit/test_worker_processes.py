from __future__ import annotations

import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
import torch

from scripts.errors import StartError
from scripts.machine import usable_cores
from scripts.worker_processes import in_processes
from tests.fakes.processes import eventually, lives

ROOT = Path(__file__).resolve().parents[2]


def threads(_: int) -> int:
    return torch.get_num_threads()


def sleep_once_known(folder: Path, seconds: float) -> float:
    (folder / f"{seconds:g} {os.getpid()}").touch()
    time.sleep(seconds)
    return seconds


def once_there(folder: Path, name: str) -> str:
    eventually((folder / name).exists)
    return name


def end(_: int) -> None:
    os._exit(1)


def known(folder: Path, seconds: float) -> list[int]:
    """Return the process that sleeps so long, once it has begun."""
    return [int(path.name.split()[1]) for path in folder.glob(f"{seconds:g} *")]


def test_results_come_in_the_order_in_which_they_are_ready(tmp_path: Path) -> None:
    (tmp_path / "second").touch()
    results = in_processes(partial(once_there, tmp_path), ["first", "second"], 2)
    assert next(results) == "second"
    (tmp_path / "first").touch()
    assert list(results) == ["first"]


def test_the_cores_are_shared_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert list(in_processes(threads, [1, 2], 2)) == [max(1, usable_cores() // 2)] * 2
    assert os.environ["OMP_NUM_THREADS"] == "7"


def test_a_process_that_ends_is_an_error_that_says_what_to_change() -> None:
    with pytest.raises(StartError, match="use fewer --workers"):
        list(in_processes(end, [1], 1))


def test_closing_ends_what_still_runs(tmp_path: Path) -> None:
    running = in_processes(partial(sleep_once_known, tmp_path), [0.0, 600.0], 2)
    assert next(running) == 0.0
    eventually(lambda: len(known(tmp_path, 600.0)) == 1)
    running.close()
    eventually(lambda: not lives(known(tmp_path, 600.0)[0]))


def test_processes_end_with_a_killed_command(tmp_path: Path) -> None:
    command = f"""
from functools import partial; from pathlib import Path
from scripts.worker_processes import in_processes
from tests.unit.test_worker_processes import sleep_once_known
if __name__ == "__main__":
    list(in_processes(partial(sleep_once_known, Path({str(tmp_path)!r})), [600.0], 1))
"""
    (tmp_path / "command.py").write_text(command)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, str(tmp_path / "command.py")], cwd=ROOT, env=environment
    ) as process:
        eventually(lambda: len(known(tmp_path, 600.0)) == 1)
        process.kill()
    eventually(lambda: not lives(known(tmp_path, 600.0)[0]))
