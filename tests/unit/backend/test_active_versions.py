import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from backend.errors import NoVersionBeforeError
from backend.state.active_versions import ActiveVersions
from backend.state.database import open_database

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'db.sqlite3'}"


@pytest.fixture
def versions(url: str) -> ActiveVersions:
    return ActiveVersions(open_database(url))


def use(versions: ActiveVersions, *names: str) -> None:
    for name in names:
        versions.activate(7, "prelabel", name, "gate passed")


def go_back(versions: ActiveVersions, *gone: str) -> str | None:
    back = versions.rollback(7, "prelabel", "rolled back", usable=lambda name: name not in gone)
    assert versions.active(7, "prelabel") == back
    return back


def test_a_project_uses_the_version_activated_last_of_each_kind(versions: ActiveVersions) -> None:
    assert versions.active(7, "prelabel") is None
    use(versions, "a", "b")
    versions.activate(7, "click", "c", "activated by hand")
    versions.activate(8, "prelabel", "d", "gate passed")
    assert [versions.active(7, "prelabel"), versions.active(7, "click")] == ["b", "c"]
    assert [versions.active(8, "prelabel"), versions.active(9, "prelabel")] == ["d", None]


def test_the_history_says_what_was_used_when_and_why(versions: ActiveVersions) -> None:
    use(versions, "a", "b")
    go_back(versions)
    steps = versions.history(7, "prelabel")
    assert [(step.step, step.version, step.why, step.undoes) for step in steps] == [
        (1, "a", "gate passed", False),
        (2, "b", "gate passed", False),
        (3, "a", "rolled back", True),
    ]
    assert steps[0].at <= steps[1].at <= steps[2].at
    assert versions.history(8, "prelabel") == []


def test_activating_what_is_in_use_changes_nothing(versions: ActiveVersions) -> None:
    use(versions, "a", "a")
    assert len(versions.history(7, "prelabel")) == 1


def test_each_rollback_goes_back_one_activation_further(versions: ActiveVersions) -> None:
    use(versions, "a", "b", "c")
    assert [go_back(versions), go_back(versions), go_back(versions)] == ["b", "a", None]
    with pytest.raises(NoVersionBeforeError, match="nothing to roll back"):
        go_back(versions)


def test_a_version_activated_after_a_rollback_is_rolled_back_to_what_was_used_before_it(
    versions: ActiveVersions,
) -> None:
    use(versions, "a", "b")
    go_back(versions)
    use(versions, "c")
    assert [go_back(versions), go_back(versions)] == ["a", None]
    use(versions, "d")
    assert go_back(versions) is None


def test_a_rollback_passes_over_versions_that_are_gone(versions: ActiveVersions) -> None:
    use(versions, "a", "b", "a", "c", "d")
    assert go_back(versions, "c") == "a"
    assert go_back(versions, "b", "c") is None


def test_what_is_in_use_survives_a_restart(versions: ActiveVersions, url: str) -> None:
    use(versions, "a", "b")
    assert ActiveVersions(open_database(url)).active(7, "prelabel") == "b"


def test_activations_from_many_threads_are_all_in_the_history(versions: ActiveVersions) -> None:
    names = [f"v{number}" for number in range(16)]
    with ThreadPoolExecutor(8) as pool:
        for future in [pool.submit(use, versions, name) for name in names]:
            future.result(60)
    steps = versions.history(7, "prelabel")
    assert sorted(str(step.version) for step in steps) == sorted(names)
    assert [step.step for step in steps] == list(range(1, 17))


def test_activations_from_several_processes_are_all_in_the_history(
    versions: ActiveVersions, url: str
) -> None:
    code = """
import sys
from backend.state import database
from backend.state.active_versions import ActiveVersions
database._WAIT_S = 60.0
versions = ActiveVersions(database.open_database(sys.argv[1]))
for number in range(10):
    versions.activate(7, "prelabel", f"{sys.argv[2]}{number}", "gate passed")
"""
    workers = [subprocess.Popen([sys.executable, "-c", code, url, name], cwd=ROOT) for name in "ab"]
    assert [worker.wait(120) for worker in workers] == [0, 0]
    used = [str(step.version) for step in versions.history(7, "prelabel")]
    assert len(used) == 20
    assert [name for name in used if name[0] == "a"] == [f"a{number}" for number in range(10)]
