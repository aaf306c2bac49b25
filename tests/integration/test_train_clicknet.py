"""The training command as its user runs it: to the end, stopped, killed, on a full disk, misused."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from typer.testing import Result

from backend.app import create_app
from backend.settings import Settings
from models.weights_files import file_sha256
from scripts.train_clicknet import main
from tests.fakes.commands import invoke
from tests.fakes.drawn_folder import drawn_folder
from tests.fakes.requests import point, predict_body

ROOT = Path(__file__).resolve().parents[2]
_PATIENCE_S = 120.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return drawn_folder(tmp_path_factory.mktemp("data") / "drawn")


@pytest.fixture(scope="module")
def finished(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that is over, to be copied."""
    out = tmp_path_factory.mktemp("finished") / "run"
    assert train(folder, out, "--minutes", "0.01").exit_code == 0
    return out


@pytest.fixture
def out(finished: Path, tmp_path: Path) -> Path:
    """A copy of it, to go on with."""
    return shutil.copytree(finished, tmp_path / "run")


def options(folder: Path, out: Path, *more: str) -> list[str]:
    return ["--data", str(folder), "--out", str(out), "--side", "32", "--batch-size", "2", *more]


def train(folder: Path, out: Path, *more: str) -> Result:
    """The command within this process."""
    return invoke(main, *options(folder, out, *more))


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[str]]]:
    processes: list[subprocess.Popen[str]] = []
    yield processes
    for process in processes:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def start(processes: list[subprocess.Popen[str]], arguments: list[str]) -> subprocess.Popen[str]:
    """The command in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "scripts.train_clicknet", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    processes.append(process)
    return process


def wait_for(file: Path) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not file.exists():
        assert time.monotonic() < deadline, f"{file} was not made"
        time.sleep(0.05)


def step_count(out: Path) -> int:
    return int(torch.load(out / "checkpoint.pt", weights_only=True)["step_count"])


def a_little_longer(out: Path) -> tuple[str, str]:
    """The option that makes a run go on for a second, however long its steps have taken."""
    spent_s = torch.load(out / "checkpoint.pt", weights_only=True)["spent_s"]
    return "--minutes", str((spent_s + 1) / 60)


def everybody_ends(group: int) -> bool:
    deadline = time.monotonic() + _PATIENCE_S
    while members(group) and time.monotonic() < deadline:
        time.sleep(0.1)
    return not members(group)


def members(group: int) -> list[int]:
    """Living processes of a process group."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            found.append(int(status.parent.name))
    return found


def test_what_was_trained_answers_clicks(settings: Settings, out: Path) -> None:
    weights = out / "clicknet.safetensors"
    client = create_app(settings.model_copy(update={"clicknet_weights": weights})).test_client()
    answer = client.post("/predict", json=predict_body(prompts=[point(100, 100)]))

    assert answer.json is not None
    (prediction,) = answer.json["results"]
    assert prediction["model_version"] == f"clicknet-2-{file_sha256(weights)[:8]}"


def test_a_run_that_is_over_can_be_made_longer(folder: Path, out: Path) -> None:
    before = step_count(out)
    done = train(folder, out, *a_little_longer(out))
    assert done.exit_code == 0
    assert str(out / "clicknet.safetensors") in done.output
    assert step_count(out) > before


def test_a_run_goes_on_after_kill_9_in_the_middle_of_saving(
    folder: Path, out: Path, started: list[subprocess.Popen[str]]
) -> None:
    before, weights = step_count(out), load_file(out / "clicknet.safetensors")
    partial = out / "checkpoint.pt.partial"
    os.mkfifo(partial)  # whoever saves waits until it is read
    process = start(started, options(folder, out, *a_little_longer(out)))
    with partial.open("rb") as pipe:
        begun = pipe.read(2**12)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    partial.unlink()
    partial.write_bytes(begun)

    assert step_count(out) == before
    assert load_file(out / "clicknet.safetensors").keys() == weights.keys()
    assert train(folder, out, *a_little_longer(out)).exit_code == 0
    assert step_count(out) > before
    assert not partial.exists()


def test_ctrl_c_ends_all_processes_and_says_how_to_go_on(
    folder: Path, tmp_path: Path, started: list[subprocess.Popen[str]]
) -> None:
    out = tmp_path / "run"
    process = start(started, options(folder, out, "--minutes", "30", "--processes", "2"))
    wait_for(out / "logs")
    time.sleep(3)
    os.killpg(process.pid, signal.SIGINT)
    output, errors = process.communicate(timeout=_PATIENCE_S)

    assert process.returncode == 130
    assert "The same command goes on" in output
    assert "Traceback" not in errors
    assert everybody_ends(process.pid)


def test_a_killed_helper_ends_the_run_with_an_explanation(
    folder: Path, tmp_path: Path, started: list[subprocess.Popen[str]]
) -> None:
    out = tmp_path / "run"
    process = start(started, options(folder, out, "--minutes", "30", "--processes", "2"))
    wait_for(out / "logs")
    time.sleep(3)
    for number in members(process.pid):
        words = Path(f"/proc/{number}/cmdline").read_bytes()
        if b"spawn_main" in words:
            os.kill(number, signal.SIGKILL)
    _, errors = process.communicate(timeout=_PATIENCE_S)

    assert process.returncode == 1
    assert "status -9. The same command goes on." in errors
    assert everybody_ends(process.pid)


def test_a_full_disk_keeps_what_was_saved(folder: Path, out: Path) -> None:
    kept = (out / "checkpoint.pt").read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, limits[1]))
    try:
        full = train(folder, out, *a_little_longer(out))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert full.exit_code == 1
    assert "checkpoint.pt cannot be written" in full.output
    assert (out / "checkpoint.pt").read_bytes() == kept
    assert not list(out.glob("*.partial"))


def test_a_folder_of_another_run_is_refused(folder: Path, out: Path) -> None:
    done = train(folder, out, "--seed", "5")
    assert done.exit_code == 1
    assert "holds a run with seed 0. Give the same, or another folder." in done.output


def test_a_damaged_checkpoint_is_refused(folder: Path, out: Path) -> None:
    (out / "checkpoint.pt").write_bytes(b"damaged")
    done = train(folder, out)
    assert done.exit_code == 1
    assert "is no checkpoint of this run" in done.output


def test_data_and_weights_that_cannot_be_used_are_refused(folder: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"no")
    out = tmp_path / "new"
    for done, message in (
        (train(tmp_path, out), "holds no pictures with masks"),
        (train(folder, out, "--init", str(broken)), "cannot be read as weights"),
        (train(folder, out, "--init", str(tmp_path / "none")), "There are no weights at"),
    ):
        assert done.exit_code == 1
        assert message in done.output
