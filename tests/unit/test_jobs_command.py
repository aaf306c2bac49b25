from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from backend.state.database import open_database
from backend.state.jobs import Job, JobStore
from backend.state.project_store import ProjectStore, StoredProject
from scripts.jobs import cli
from tests.fakes.deliveries import deliver
from tests.fakes.job_handlers import Woken


class Command:
    """The command over a state folder with project 7 in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.engine = open_database(f"sqlite:///{folder / 'maskloop.sqlite3'}")
        self.jobs = JobStore(self.engine)
        ProjectStore(self.engine).save("7.1700000000", StoredProject("<View/>", {}))

    def __call__(self, *arguments: str, status: int = 0) -> str:
        result = CliRunner().invoke(
            cli, arguments, env={"MASKLOOP_STATE_DIR": str(self.folder), "COLUMNS": "200"}
        )
        assert result.exit_code == status, result.output
        return result.output

    def running(self) -> Job:
        self.jobs.queue(7, "8 or more changed annotations")
        job = self.jobs.take()
        assert job is not None
        self.jobs.beat(job, "learning", 0.25)
        return job


@pytest.fixture
def command(tmp_path: Path) -> Command:
    return Command(tmp_path)


def test_the_list_says_where_trainings_stand(command: Command) -> None:
    command.jobs.finish(command.running(), "failed", "disk full")
    command.running()
    command.jobs.queue(8, "asked")
    lines = command("list").splitlines()
    assert [line.split("│")[3].strip() for line in lines if line.startswith("│")] == [
        "queued",
        "running 25%",
        "failed",
    ]
    assert "disk full" in "".join(lines) and "learning" in "".join(lines)
    assert "asked" not in command("list", "--project", "7").replace("asked for", "")


def test_one_training_is_shown_in_full(command: Command) -> None:
    command.jobs.finish(command.running(), "done", "v1 is in use", {"version": "v1"})
    shown = command("show", "1")
    assert 'result: {"version": "v1"}' in shown and "message: v1 is in use" in shown


def test_cancelling_tells_what_will_happen(command: Command) -> None:
    command.running()
    command.jobs.queue(8, "asked")
    assert command("cancel", "1") == "Job 1 is told to end.\n"
    assert command("cancel", "2") == "Job 2 is cancelled.\n"
    assert command.jobs.find(1).cancel_requested


def test_asking_for_a_training_wakes_the_worker_and_asks_once(command: Command) -> None:
    assert "Job 1 waits" in command("run", "7")
    assert "waits already" in command("run", "7")
    woken = Woken(command.folder / "jobs.db")
    deliver(woken.queue)
    assert woken.seen == ["run", "run"]


def test_a_project_that_does_not_learn_is_said(command: Command) -> None:
    ProjectStore(command.engine).save("7.1700000000", StoredProject("<View/>", {"learn": False}))
    assert "will not be used" in command("run", "7")


@pytest.mark.parametrize("arguments", [("show", "9"), ("cancel", "9"), ("watch", "9"), ("run", "9")])
def test_what_does_not_exist_is_said(command: Command, arguments: tuple[str, ...]) -> None:
    assert "9" in command(*arguments, status=1)


def test_watching_ends_with_the_training(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    job = command.running()

    def end_between_two_looks(_seconds: float) -> None:
        command.jobs.finish(job, "done", "v1 is in use")

    monkeypatch.setattr("scripts.jobs.time", SimpleNamespace(sleep=end_between_two_looks))
    output = command("watch")
    assert "job 1, project 7" in output
    assert output.endswith("Job 1 is done. v1 is in use\n")


def test_watching_a_training_that_failed_ends_with_status_1(command: Command) -> None:
    command.jobs.finish(command.running(), "failed", "disk full")
    assert "Job 1 is failed. disk full" in command("watch", "1", status=1)


def test_watching_nothing_says_so(command: Command) -> None:
    assert "No training waits or runs." in command("watch")
