import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from backend.settings import Settings
from backend.state.active_versions import ActiveVersions
from backend.state.database import open_database
from backend.state.event_inbox import EventInbox
from backend.state.model_store import FILES, ModelStore, VersionInfo
from backend.state.project_store import ProjectStore, StoredProject
from scripts.model_versions import app
from tests.fakes.requests import CONFIG
from tests.fakes.versions import facts, trained_files

Run = Callable[..., Result]


class Folder:
    """A state folder as the service and its worker leave it."""

    def __init__(self, path: Path) -> None:
        settings = Settings(state_dir=path)
        engine = open_database(settings.resolved_database_url)
        self.scratch = path / "job"
        self.store = ModelStore(settings.versions_dir)
        self.active = ActiveVersions(engine)
        self.projects = ProjectStore(engine)
        self._inbox = EventInbox(engine)

    def train(self, content: str, *, use: bool = False, passed: bool = True) -> VersionInfo:
        info = self.store.publish(2, trained_files(self.scratch, content), facts(passed=passed))
        if use:
            self.active.activate(2, "prelabel", info.name, "gate passed")
        return info

    def choose(self, version: str) -> None:
        self._inbox.add(
            action="PROJECT_UPDATED",
            project_id=2,
            task_ids=(),
            annotation_ids=(),
            skipped=False,
            body={},
            chosen_version=version,
        )

    @property
    def in_use(self) -> str | None:
        return self.active.active(2, "prelabel")

    @property
    def names(self) -> list[str]:
        return [info.name for info in self.store.versions(2)]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "state")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("MASKLOOP_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("COLUMNS", "200")
    runner = CliRunner()
    return lambda *arguments, **options: runner.invoke(app, [str(each) for each in arguments], **options)


def test_list_shows_the_versions_and_what_they_are_used_for(folder: Folder, run: Run) -> None:
    assert "no trained versions" in run("list", 2).output
    first, second = folder.train("a", use=True), folder.train("b", use=True)
    refused = folder.train("c", passed=False)
    folder.choose(refused.name)
    lines = run("list", 2).output.splitlines()
    (newest,), (used,), (before,) = (
        [line for line in lines if info.name in line] for info in (refused, second, first)
    )
    assert "refused" in newest and "chosen in Label Studio" in newest
    assert "passed" in used and "in use" in used and "dice 0.900" in used and "Coin" in used
    assert "used before" in before
    assert lines.index(newest) < lines.index(used) < lines.index(before)


def test_show_tells_everything_that_is_known(folder: Folder, run: Run) -> None:
    info = folder.train("a", use=True)
    assert json.loads(run("show", info.name, "--json").output) == info.to_json()
    pretty = run("show", info.name).output
    assert "2 examples" in pretty and "in use" in pretty and info.sha256[FILES[0]] in pretty


def test_activate_uses_a_version_and_says_what_speaks_against_it(folder: Folder, run: Run) -> None:
    good, refused = folder.train("a"), folder.train("b", passed=False)
    answer = run("activate", good.name)
    assert (answer.exit_code, answer.output) == (0, f"{good.name} is in use.\n")
    folder.choose(good.name)
    folder.projects.save("2.1", StoredProject(CONFIG.replace("Coin", "Medal"), {}))
    remarks = run("activate", refused.name).output
    assert folder.in_use == refused.name
    assert "did not pass the gate: better" in remarks
    assert "no longer in the labelling config" in remarks
    assert f"Label Studio shows the predictions of {good.name}" in remarks
    assert [step.why for step in folder.active.history(2, "prelabel")] == ["activated by hand"] * 2


def test_rollback_goes_back_and_says_when_it_cannot(folder: Folder, run: Run) -> None:
    first = folder.train("a", use=True)
    damaged = folder.train("b", use=True)
    folder.train("c", use=True)
    (folder.store.folder(damaged) / FILES[0]).write_text("other")
    assert run("rollback", 2).output == f"{first.name} is in use.\n"
    assert folder.in_use == first.name
    assert "untrained model is in use" in run("rollback", 2).output
    failed = run("rollback", 2)
    assert failed.exit_code == 1 and "nothing to roll back" in failed.output
    assert run("rollback", 2, "--kind", "clicks").exit_code == 2


@pytest.mark.parametrize("target", ["model", "model.zip"])
def test_export_copies_a_version_that_can_be_read_elsewhere(
    folder: Folder, run: Run, tmp_path: Path, target: str
) -> None:
    info = folder.train("a")
    answer = run("export", info.name, "--out", tmp_path / target)
    assert answer.exit_code == 0, answer.output
    copy = tmp_path / "model"
    if target == "model.zip":
        with zipfile.ZipFile(tmp_path / target) as archive:
            archive.extractall(tmp_path / "unpacked")
        copy = tmp_path / "unpacked" / info.name
    assert {path.name for path in copy.iterdir()} == {*FILES, "model.json"}
    again = ModelStore(tmp_path / "elsewhere").publish(2, copy, facts())
    assert again.sha256 == info.sha256
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_export_overwrites_nothing_and_takes_nothing_damaged(
    folder: Folder, run: Run, tmp_path: Path
) -> None:
    info = folder.train("a")
    refused = run("export", info.name, "--out", tmp_path)
    assert refused.exit_code == 1 and "is there already" in refused.output
    missing = run("export", info.name, "--out", tmp_path / "no" / "such" / "folder.zip")
    assert missing.exit_code == 1 and "cannot be written" in missing.output
    (folder.store.folder(info) / FILES[0]).write_text("other")
    damaged = run("export", info.name, "--out", tmp_path / "copy")
    assert damaged.exit_code == 1 and "damaged" in damaged.output
    assert not (tmp_path / "copy").exists()


def test_prune_deletes_old_versions_but_none_that_is_needed(folder: Folder, run: Run) -> None:
    chosen, before, used = folder.train("a"), folder.train("b", use=True), folder.train("c", use=True)
    folder.choose(f"{chosen.name}.q3")
    spare = [folder.train(content).name for content in "def"]
    everything = folder.names
    refused = run("prune", 2, "--keep", 1, input="n\n")
    assert spare[0] in refused.output and "Nothing was deleted" in refused.output
    assert folder.names == everything
    assert "Versions deleted: 2." in run("prune", 2, "--keep", 1, input="y\n").output
    assert folder.names == [spare[2], used.name, before.name, chosen.name]
    assert "Versions deleted: 1." in run("prune", 2, "--keep", 0, "--yes").output
    assert "Versions deleted: 0." in run("prune", 2, "--keep", 0).output
    assert folder.names == [used.name, before.name, chosen.name]


@pytest.mark.parametrize("name", ["unet-p2-9-00000000", "latest", "../x"])
@pytest.mark.parametrize("command", ["show", "activate"])
def test_an_unknown_version_is_refused_with_the_names_that_exist(
    folder: Folder, run: Run, command: str, name: str
) -> None:
    info = folder.train("a")
    answer = run(command, name)
    assert answer.exit_code == 1
    assert f"no model version called {name!r}" in answer.output and info.name in answer.output


def test_a_damaged_version_is_not_activated(folder: Folder, run: Run) -> None:
    info = folder.train("a")
    (folder.store.folder(info) / FILES[0]).write_text("other")
    answer = run("activate", info.name)
    assert answer.exit_code == 1 and "damaged" in answer.output
    assert folder.in_use is None
