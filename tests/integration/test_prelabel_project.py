"""The bulk command as its user runs it: to the end, again, killed, misused; only Label Studio is a fake."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import Result

from scripts.child_process import clean_environment
from scripts.prelabel_project import main
from tests.fakes.bulk_label_studio import BulkLabelStudio
from tests.fakes.commands import invoke
from tests.fakes.requests import CONFIG, coins_picture

ROOT = Path(__file__).resolve().parents[2]
IMPORT = "POST /api/projects/1/import/predictions"
VERSION = "watershed-1"
N_MANY = 24
_PATIENCE_S = 120.0


@pytest.fixture
def studio(files: Path) -> BulkLabelStudio:
    """Six tasks with pictures of three coins; the picture of the fifth is damaged."""
    tasks = {number: {"image": f"/data/local-files/?d=imgs/img{number % 3}.png"} for number in range(1, 7)}
    tasks[5] = {"image": "/data/local-files/?d=imgs/broken.png"}
    (files / "imgs" / "broken.png").write_bytes(b"no picture")
    return BulkLabelStudio(CONFIG, tasks)


def run(environment: dict[str, str], *arguments: str, project: int = 1) -> Result:
    """The command within this process."""
    return invoke(main, str(project), *arguments, env=environment)


def answer_file(environment: dict[str, str]) -> Path:
    return Path(environment["MASKLOOP_STATE_DIR"]) / "prelabels" / "1" / f"{VERSION}.jsonl"


def test_a_round_imports_shows_and_names_what_failed(
    studio: BulkLabelStudio, environment: dict[str, str]
) -> None:
    result = run(environment)
    assert result.exit_code == 1
    assert studio.writes == [IMPORT, "PATCH /api/projects/1"]
    assert [each["task"] for each in studio.predictions] == [1, 2, 3, 4, 6]
    assert studio.shown == VERSION
    assert "Tasks without pre-labels: 1" in result.output
    assert "Task 5: This is not a picture" in result.output
    for prediction in studio.predictions:
        assert prediction["model_version"] == VERSION
        assert 0 <= prediction["score"] <= 1
        assert [region["value"]["brushlabels"] for region in prediction["result"]] == [["Coin"]] * 3


def test_another_round_tries_only_what_failed(studio: BulkLabelStudio, environment: dict[str, str]) -> None:
    run(environment)
    studio.writes.clear()
    again = run(environment)
    assert (again.exit_code, studio.writes) == (1, [])
    assert "5 have these pre-labels already, 0 wait for their import, 1 are to be computed" in again.output
    studio.tasks[5] = studio.tasks[4]
    assert run(environment).exit_code == 0
    assert studio.writes == [IMPORT]
    assert run(environment).exit_code == 0
    assert studio.writes == [IMPORT]
    assert studio.versions() == {VERSION: 6}
    assert not answer_file(environment).exists()


def test_a_dry_run_says_what_would_be_done_and_changes_nothing(
    studio: BulkLabelStudio, environment: dict[str, str]
) -> None:
    studio.predictions = [{"task": 1, "model_version": "watershed-0"}]
    studio.shown = "watershed-0"
    result = run(environment, "--dry-run", "--delete-old", "--tasks", "1-3,9")
    assert result.exit_code == 0
    assert studio.writes == []
    assert not answer_file(environment).parent.exists()
    for line in (
        "Predictions that would be imported: 3",
        "Would show version watershed-1 instead of watershed-0",
        "Version watershed-0: 1 predictions would be deleted",
        "Task 9: The project has no such task.",
    ):
        assert line in result.output


def test_tasks_are_chosen_by_state_number_and_limit(
    studio: BulkLabelStudio, environment: dict[str, str]
) -> None:
    studio.finished = {1, 2}
    run(environment, "--limit", "1")
    run(environment, "--tasks", "6,4")
    run(environment, "--tasks", "all", "--limit", "1")
    assert [each["task"] for each in studio.predictions] == [3, 4, 6, 1]


def test_older_pre_labels_are_deleted_when_all_open_tasks_have_new_ones(
    studio: BulkLabelStudio, environment: dict[str, str]
) -> None:
    studio.predictions = [
        {"task": 1, "model_version": name} for name in ("watershed-0", "otsu-1", "imported")
    ]
    kept = run(environment, "--delete-old")
    assert "Older pre-labels are kept" in kept.output
    assert studio.versions()["watershed-0"] == 1
    studio.finished = {5}
    done = run(environment, "--delete-old")
    assert done.exit_code == 0
    assert "With SQLite nobody can work in Label Studio meanwhile" in done.output
    assert studio.versions() == {VERSION: 5, "imported": 1}


@pytest.mark.parametrize(
    ("wrong", "project", "message"),
    [
        ({"MASKLOOP_LABEL_STUDIO_API_KEY": "0" * 40}, 1, "401: Invalid token. Check the API key"),
        ({}, 2, "would not read project 2: 404"),
        ({"MASKLOOP_LABEL_STUDIO_URL": "http://127.0.0.1:9"}, 1, "127.0.0.1:9 cannot be reached"),
        ({"MASKLOOP_LABEL_STUDIO_API_KEY": None}, 1, "MASKLOOP_LABEL_STUDIO_API_KEY"),
        ({"MASKLOOP_PRELABELLER": "wtrshed"}, 1, "'wtrshed'"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_computed(
    environment: dict[str, str], wrong: dict[str, str], project: int, message: str
) -> None:
    result = run(environment | wrong, project=project)
    assert result.exit_code == 1
    assert message in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize("tasks", ["unlabeled", "", "3,", "9-3", "-4", "1-99999999999"])
def test_a_choice_of_tasks_that_is_none_is_refused(environment: dict[str, str], tasks: str) -> None:
    result = run(environment, "--tasks", tasks)
    assert result.exit_code == 2
    assert "3,7,20-90" in re.sub(r"[\s│]+", " ", result.stderr)


def many_pictures(studio: BulkLabelStudio, files: Path, count: int) -> None:
    cv2.imwrite(str(files / "imgs" / "large.png"), np.tile(coins_picture(600, 800), (2, 2, 1)))
    studio.tasks = {
        number: {"image": "/data/local-files/?d=imgs/large.png"} for number in range(1, count + 1)
    }


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_stopped_round_goes_on_where_it_was(
    studio: BulkLabelStudio, environment: dict[str, str], files: Path, ending: signal.Signals
) -> None:
    many_pictures(studio, files, N_MANY)
    studio.tasks[N_MANY] = {"image": "/data/local-files/?d=imgs/late.png"}
    studio.held = "/data"  # the round cannot end before it is stopped
    process = subprocess.Popen(
        [sys.executable, "-m", "scripts.prelabel_project", "1"],
        cwd=ROOT,
        env=clean_environment("MASKLOOP_") | environment | {"MASKLOOP_IMAGE_TIMEOUT_S": "1000"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + _PATIENCE_S
        while finished_tasks(environment) < 3:
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < deadline, "no task was finished"
            time.sleep(0.02)
    finally:
        os.killpg(process.pid, ending)
        studio.released.set()
        output = process.communicate()[0]
    assert process.returncode == (-signal.SIGKILL if ending == signal.SIGKILL else 130), output
    assert studio.writes == []
    n_kept = finished_tasks(environment)
    assert 3 <= n_kept < N_MANY
    shutil.copy(files / "imgs" / "large.png", files / "imgs" / "late.png")
    goes_on = run(environment)
    assert goes_on.exit_code == 0, goes_on.output
    assert f"{n_kept} wait for their import, {N_MANY - n_kept} are to be computed" in goes_on.output
    assert studio.versions() == {VERSION: N_MANY}
    assert studio.writes == [IMPORT, "PATCH /api/projects/1"]


def finished_tasks(environment: dict[str, str]) -> int:
    """Whole lines of the file, without the first."""
    file = answer_file(environment)
    return max(0, file.read_bytes().count(b"\n") - 1) if file.exists() else 0
