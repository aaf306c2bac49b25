"""The queue command as its user runs it: again, stopped, put back, misused; only Label Studio is a fake."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import Result

from backend.queueing import make_round
from backend.services.queue_following import TAB
from backend.settings import Settings
from backend.state.active_versions import ActiveVersions
from backend.state.database import open_database
from backend.state.model_store import ModelStore
from backend.state.one_at_a_time import one_at_a_time
from backend.state.project_store import ProjectStore, StoredProject
from backend.state.queue_rounds import QueueRound, QueueRounds
from scripts.child_process import clean_environment
from scripts.prelabel_project import main as prelabel_main
from scripts.select_tasks import main
from tests.fakes.bulk_label_studio import BulkLabelStudio
from tests.fakes.commands import invoke
from tests.fakes.random_unet import write_random_unet
from tests.fakes.requests import CONFIG, coins_picture
from tests.fakes.versions import SCHEMA, facts

ROOT = Path(__file__).resolve().parents[2]
IMPORT, CHANGE = "POST /api/projects/1/import/predictions", "PATCH /api/projects/1"
N_TASKS = 8
BROKEN = 5
_PATIENCE_S = 120.0


@pytest.fixture
def studio(files: Path) -> BulkLabelStudio:
    """Eight tasks with small pictures of coins in two sequences."""
    for number in range(1, N_TASKS + 1):
        picture = np.roll(coins_picture(600, 800, seed=number), 60 * number, axis=1)
        cv2.imwrite(str(files / "imgs" / f"{number}.png"), cv2.resize(picture, (160, 120)))
    tasks = {
        number: {
            "image": f"/data/local-files/?d=imgs/{number}.png",
            "sequence": "ab"[number % 2],
            "frame": number,
        }
        for number in range(1, N_TASKS + 1)
    }
    return BulkLabelStudio(CONFIG, tasks)


def run(environment: dict[str, str], *arguments: str, project: int = 1) -> Result:
    """The command within this process."""
    return invoke(main, "--project", str(project), *arguments, env=environment)


def rounds(environment: dict[str, str]) -> QueueRounds:
    return QueueRounds(open_database(f"sqlite:///{environment['MASKLOOP_STATE_DIR']}/maskloop.sqlite3"))


def newest(environment: dict[str, str]) -> QueueRound:
    found = rounds(environment).newest(1)
    assert found is not None
    return found


def use_version(environment: dict[str, str], tmp_path: Path, seed: int) -> str:
    """Publish a network that has learned nothing, and use it."""
    state = Path(environment["MASKLOOP_STATE_DIR"])
    folder = write_random_unet(tmp_path / f"network-{seed}", SCHEMA, side=64, seed=seed)
    info = ModelStore(state / "versions").publish(1, folder, facts())
    engine = open_database(f"sqlite:///{state}/maskloop.sqlite3")
    ActiveVersions(engine).activate(1, "prelabel", info.name, "a test")
    return info.name


def test_label_studio_asks_the_tasks_in_the_order_of_the_round(
    studio: BulkLabelStudio, environment: dict[str, str], files: Path
) -> None:
    (files / "imgs" / f"{BROKEN}.png").write_bytes(b"no picture")
    result = run(environment)
    assert result.exit_code == 1
    assert f"Task {BROKEN}: This is not a picture" in result.output
    order = newest(environment)
    assert sorted(order.task_ids) == [number for number in studio.tasks if number != BROKEN]
    assert studio.next_tasks() == order.task_ids.tolist()
    assert order.task_ids.tolist() != sorted(order.task_ids)
    assert studio.writes == [IMPORT, CHANGE, "POST /api/dm/views", "POST /api/dm/views"]
    assert (studio.shown, studio.shows, studio.sampling) == ("watershed-1.q1", True, "Uncertainty sampling")
    assert {each["model_version"] for each in studio.predictions} == {"watershed-1.q1"}
    assert all(3 <= len(each["result"]) <= 4 for each in studio.predictions)  # a coin may be cut in two
    (tab,) = (each for each in studio.tabs.values() if each["title"] == TAB)
    assert tab["ordering"] == ["tasks:predictions_score"]
    assert [item["filter"] for item in tab["filters"]["items"]] == ["filter:tasks:completed_at"]


def test_the_first_tasks_come_from_every_sequence(
    studio: BulkLabelStudio, environment: dict[str, str]
) -> None:
    run(environment, "--selector", "sequence-aware", "--budget", "4")
    first = [studio.tasks[number]["sequence"] for number in studio.next_tasks()[:4]]
    assert sorted(first) == ["a", "a", "b", "b"]


def test_doing_it_again_changes_nothing_until_something_has_changed(
    studio: BulkLabelStudio, environment: dict[str, str]
) -> None:
    assert run(environment).exit_code == 0
    first, order = studio.next_tasks(), newest(environment)
    studio.writes.clear()
    again = run(environment)
    assert (again.exit_code, studio.writes) == (0, [])
    assert "0 must be looked at" in again.output
    assert "Nothing has changed since round 1." in again.output
    assert "Label Studio asks in this order already." in again.output
    assert newest(environment).at == order.at

    studio.finished.add(first[0])
    changed = run(environment)
    assert changed.exit_code == 0
    assert "0 must be looked at" in changed.output
    assert studio.writes == [IMPORT, CHANGE]
    assert studio.shown == "watershed-1.q2"
    assert studio.versions() == {"watershed-1.q1": 8, "watershed-1.q2": 7}
    assert first[0] not in studio.next_tasks()


def test_what_somebody_changed_in_the_settings_is_set_again_without_an_import(
    studio: BulkLabelStudio, environment: dict[str, str]
) -> None:
    run(environment)
    order = studio.next_tasks()
    studio.writes.clear()
    studio.shown, studio.sampling, studio.tabs = "", "Uniform sampling", {}
    run(environment)
    assert studio.writes == [CHANGE, "POST /api/dm/views", "POST /api/dm/views"]
    assert studio.next_tasks() == order


def test_tasks_with_a_draft_are_left_alone(studio: BulkLabelStudio, environment: dict[str, str]) -> None:
    studio.finished, studio.drafted = {1}, {3, 4}
    result = run(environment)
    assert "5 to be ordered, 2 with a draft are left alone, 1 are annotated" in result.output
    assert {3, 4}.isdisjoint(each["task"] for each in studio.predictions)


def test_a_trained_version_orders_anew_and_is_explained(
    studio: BulkLabelStudio, environment: dict[str, str], tmp_path: Path
) -> None:
    run(environment)
    version = use_version(environment, tmp_path, seed=0)
    result = run(environment, "--selector", "entropy", "--budget", "3")
    assert result.exit_code == 0, result.output
    assert studio.shown == f"{version}.q2"
    assert studio.next_tasks() == newest(environment).task_ids.tolist()
    queue = Path(environment["MASKLOOP_STATE_DIR"]) / "queue" / "1"
    assert [path.name for path in queue.glob("*.jsonl")] == [f"{version}.jsonl"]

    first, last = studio.next_tasks()[0], studio.next_tasks()[-1]
    why = run(environment, "--explain", str(first)).output
    assert f"Task {first} is number 1 of 8 in round 2" in why
    assert f"made by the selector entropy with version {version}" in why
    assert "It is one of 3 that were chosen together" in why
    assert re.search(r"0\.\d{3}  uncertainty of the whole picture; 0% of the tasks have more", why)
    assert "It follows the 3 that were chosen together" in run(environment, "--explain", str(last)).output
    assert "Task 77 is not among the 8 tasks" in run(environment, "--explain", "77").stderr


def test_before_the_first_training_the_explanation_says_so(environment: dict[str, str]) -> None:
    assert "has no queue that Label Studio follows" in run(environment, "--explain", "1").stderr
    run(environment)
    assert "No version was trained then" in run(environment, "--explain", "1").output


@pytest.mark.parametrize("delete_old", [False, True])
def test_everything_is_put_back_as_it_was(
    studio: BulkLabelStudio, environment: dict[str, str], *, delete_old: bool
) -> None:
    studio.predictions = [{"task": 1, "score": 0.5, "model_version": "imported"}]
    studio.shown, studio.shows, studio.sampling = "imported", True, "Uniform sampling"
    studio.tabs = {4: {"title": "Mine"}}
    run(environment)
    run(environment, "--selector", "random")
    back = run(environment, "--restore", *(["--delete-old"] if delete_old else []))
    assert back.exit_code == 0, back.output
    assert (studio.shown, studio.shows, studio.sampling) == ("imported", True, "Uniform sampling")
    assert studio.tabs == {4: {"title": "Mine"}}
    assert set(studio.versions()) == {"imported"} | (
        set() if delete_old else {"watershed-1.q1", "watershed-1.q2"}
    )
    assert "there is nothing to put back" in run(environment, "--restore").stderr
    run(environment)
    assert studio.shown == "watershed-1.q3"


def test_a_version_that_is_gone_cannot_be_shown_again(
    studio: BulkLabelStudio, environment: dict[str, str]
) -> None:
    studio.predictions = [{"task": 1, "score": 0.5, "model_version": "imported"}]
    studio.shown, studio.shows = "imported", True
    run(environment)
    studio.predictions = [each for each in studio.predictions if each["model_version"] != "imported"]
    back = run(environment, "--restore")
    assert back.exit_code == 0
    assert "Version imported cannot be shown again" in back.output
    assert (studio.shown, studio.sampling) == ("", "Sequential sampling")


def test_a_lost_database_does_not_make_a_version_twice(
    studio: BulkLabelStudio, environment: dict[str, str]
) -> None:
    run(environment)
    run(environment, "--selector", "random")
    (Path(environment["MASKLOOP_STATE_DIR"]) / "maskloop.sqlite3").unlink()
    run(environment)
    assert studio.shown == "watershed-1.q3"
    run(environment, "--restore")
    assert (studio.shown, studio.sampling) == ("", "Sequential sampling")


def test_old_rounds_are_deleted_on_demand(studio: BulkLabelStudio, environment: dict[str, str]) -> None:
    studio.predictions = [
        {"task": 1, "score": 0.5, "model_version": name} for name in ("watershed-1", "other.q1")
    ]
    run(environment)
    done = run(environment, "--selector", "random", "--delete-old")
    assert "With SQLite nobody can work in Label Studio meanwhile" in done.output
    assert set(studio.versions()) == {"watershed-1", "other.q1", "watershed-1.q2"}


def test_pre_labelling_the_project_leaves_the_queue_in_place(
    studio: BulkLabelStudio, environment: dict[str, str]
) -> None:
    run(environment)
    order = studio.next_tasks()
    result = invoke(prelabel_main, "1", "--delete-old", env=environment)
    assert result.exit_code == 0, result.output
    assert studio.shown == "watershed-1.q1"
    assert studio.next_tasks() == order


def test_a_dry_run_says_what_would_be_done_and_changes_nothing(
    studio: BulkLabelStudio, environment: dict[str, str]
) -> None:
    result = run(environment, "--dry-run")
    assert result.exit_code == 0
    assert "8 must be looked at" in result.output
    assert "Predictions that would be imported: up to 8" in result.output
    assert studio.writes == []
    assert not (Path(environment["MASKLOOP_STATE_DIR"]) / "queue").exists()
    run(environment)
    studio.writes.clear()
    assert "Nothing has changed since round 1." in run(environment, "--dry-run").output
    assert studio.writes == []


def test_the_same_seed_gives_the_same_order_and_another_one_another(
    studio: BulkLabelStudio, environment: dict[str, str]
) -> None:
    orders = []
    for seed in ("1", "2", "1"):
        run(environment, "--selector", "random", "--seed", seed)
        orders.append(studio.next_tasks())
    assert orders[0] == orders[2] != orders[1]


def test_nothing_is_ordered_when_everything_is_annotated(
    studio: BulkLabelStudio, environment: dict[str, str]
) -> None:
    studio.finished = set(studio.tasks)
    result = run(environment)
    assert (result.exit_code, studio.writes) == (0, [])
    assert "There is nothing to order." in result.output


def test_predictions_that_label_studio_drops_are_counted_and_named(
    studio: BulkLabelStudio, environment: dict[str, str]
) -> None:
    studio.refuses = {2, 7}
    result = run(environment)
    assert result.exit_code == 1
    assert "Predictions of version watershed-1.q1: 6, tasks in the order: 8." in result.output
    assert "Task 7: Label Studio did not take the prediction" in result.output
    studio.refuses = set()
    assert run(environment).exit_code == 0
    assert studio.versions() == {"watershed-1.q1": 8}


def test_an_import_that_failed_is_gone_on_with_under_its_name(
    studio: BulkLabelStudio, environment: dict[str, str]
) -> None:
    studio.broken = True
    failed = run(environment)
    assert failed.exit_code == 1
    assert studio.shown == ""
    studio.broken = False
    result = run(environment)
    assert result.exit_code == 0
    assert "0 must be looked at" in result.output
    assert studio.versions() == {"watershed-1.q1": 8}
    assert studio.next_tasks() == newest(environment).task_ids.tolist()


def test_the_worker_makes_a_round_as_the_project_wants_it(
    studio: BulkLabelStudio, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings = Settings.from_environment()
    projects = ProjectStore(open_database(settings.resolved_database_url))
    projects.save("1.7", StoredProject(CONFIG, {"selector": "sequence-aware"}))
    stages: list[str] = []
    said = make_round(settings, 1, lambda stage, share: stages.append(stage))
    assert said == "Label Studio asks 8 tasks in the order of round 1."
    assert newest(environment).selector == "sequence-aware"
    assert studio.next_tasks() == newest(environment).task_ids.tolist()
    assert stages == ["looking at the tasks: 0 of 8", "changing the order in Label Studio"]
    studio.finished = set(studio.tasks)
    assert make_round(settings, 1, lambda stage, share: None) == "No task is left to be ordered."


def test_two_rounds_at_once_are_refused(environment: dict[str, str]) -> None:
    lock = Path(environment["MASKLOOP_STATE_DIR"]) / "queue" / "1" / ".lock"
    with one_at_a_time(lock, "orders project 1"):
        for arguments in ((), ("--restore",)):
            result = run(environment, *arguments)
            assert result.exit_code == 1
            assert "Another process orders project 1" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--selector", "entropi"), "none of auto, bald"),
        (("--every", "soon"), "90s, 30m or 2h"),
        (("--every", "0m"), "90s, 30m or 2h"),
        (("--dry-run", "--restore"), "do not go together"),
        (("--budget", "0"), "greater than or equal to 1"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    environment: dict[str, str], arguments: tuple[str, ...], message: str
) -> None:
    result = run(environment, *arguments)
    assert result.exit_code == 2
    assert message in re.sub(r"[\s│]+", " ", result.stderr)


@pytest.mark.parametrize(
    ("wrong", "arguments", "message"),
    [
        ({"MASKLOOP_LABEL_STUDIO_API_KEY": "0" * 40}, (), "401: Invalid token"),
        ({"MASKLOOP_LABEL_STUDIO_API_KEY": None}, (), "MASKLOOP_LABEL_STUDIO_API_KEY"),
        ({"MASKLOOP_SELECTOR": "entropi"}, (), "'entropi'"),
        ({}, ("--selector", "entropy"), "needs a version that the project's annotations trained"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_computed(
    environment: dict[str, str], wrong: dict[str, str], arguments: tuple[str, ...], message: str
) -> None:
    result = run(environment | wrong, *arguments)
    assert result.exit_code == 1
    assert message in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGINT])
def test_a_stopped_round_goes_on_where_it_was(
    studio: BulkLabelStudio, environment: dict[str, str], files: Path, ending: signal.Signals
) -> None:
    cv2.imwrite(str(files / "imgs" / "large.png"), coins_picture(600, 800))
    studio.tasks = {number: {"image": "/data/local-files/?d=imgs/large.png"} for number in range(1, 13)}
    studio.tasks[12] = {"image": "/data/local-files/?d=imgs/late.png"}
    studio.held = "/data"  # the round cannot end before it is stopped
    process = subprocess.Popen(
        [sys.executable, "-m", "scripts.select_tasks", "--project", "1"],
        cwd=ROOT,
        env=clean_environment("MASKLOOP_") | environment | {"MASKLOOP_IMAGE_TIMEOUT_S": "1000"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    answers = Path(environment["MASKLOOP_STATE_DIR"]) / "queue" / "1" / "watershed-1.jsonl"
    try:
        deadline = time.monotonic() + _PATIENCE_S
        while not answers.exists() or answers.read_bytes().count(b"\n") < 4:
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < deadline, "no task was finished"
            time.sleep(0.02)
    finally:
        os.killpg(process.pid, ending)
        studio.released.set()
        output = process.communicate()[0]
    assert process.returncode == (-signal.SIGKILL if ending == signal.SIGKILL else 130), output
    assert studio.writes == []
    shutil.copy(files / "imgs" / "large.png", files / "imgs" / "late.png")
    goes_on = run(environment)
    assert goes_on.exit_code == 0, goes_on.output
    assert studio.versions() == {"watershed-1.q1": 12}


def test_a_loop_goes_on_until_it_is_ended(studio: BulkLabelStudio, environment: dict[str, str]) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "scripts.select_tasks", "--project", "1", "--every", "1s"],
        cwd=ROOT,
        env=clean_environment("MASKLOOP_") | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        wait_for(process, lambda: studio.shown == "watershed-1.q1")
        studio.finished = {studio.next_tasks()[0]}
        wait_for(process, lambda: studio.shown == "watershed-1.q2")
        os.killpg(process.pid, signal.SIGINT)
        output = process.communicate(timeout=_PATIENCE_S)[0]
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    assert process.returncode == 130, output
    assert "The next round begins in 1s. Ctrl-C ends this." in output


def wait_for(process: subprocess.Popen[str], happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not happened():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.05)
