import json
import os
import random
import resource
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from backend.errors import ModelStoreError
from backend.state.model_store import FILES, MORE_FILES, ModelStore
from models.label_schema import LabelSchema, Question
from tests.fakes.versions import facts, trained_files

ROOT = Path(__file__).resolve().parents[3]

PUBLISHER = textwrap.dedent(
    """
    import itertools, os, sys
    from pathlib import Path
    from backend.state.model_store import ModelStore
    from tests.fakes.versions import facts, trained_files

    store, scratch = ModelStore(Path(sys.argv[1])), Path(sys.argv[2])
    print("ready", flush=True)
    for number in itertools.islice(itertools.count(), int(sys.argv[3])):
        text = f"{os.getpid()} {number} " * 20_000
        print(store.publish(7, trained_files(scratch, text), facts()).name, flush=True)
    """
)


def start_publisher(store: Path, scratch: Path, n_versions: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", PUBLISHER, str(store), str(scratch), str(n_versions)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "versions")


def test_a_published_version_is_found_with_everything_that_was_said_about_it(
    store: ModelStore, tmp_path: Path
) -> None:
    schema = LabelSchema(("Zelle", "🧫"), (Question("quality", ("good", "bad"), multiple=True),))
    said = replace(facts(schema), gate={"passed": False, "figures": {"dice": (0.5, float("nan"))}})
    info = store.publish(7, trained_files(tmp_path / "job"), said)
    assert info.name == f"unet-p7-1-{info.sha256['weights.safetensors'][:8]}"
    assert (info.number, info.project_id, info.schema) == (1, 7, schema)
    assert info.gate == {"passed": False, "figures": {"dice": [0.5, None]}}
    assert store.find(7, info.name) == info
    assert store.versions(7) == (info,)
    assert [(store.folder(info) / name).read_text() for name in FILES] == ["a", "a"]


def test_versions_are_numbered_and_listed_newest_first(store: ModelStore, tmp_path: Path) -> None:
    published = [store.publish(7, trained_files(tmp_path / "job", text), facts()) for text in "abc"]
    other = store.publish(8, tmp_path / "job", facts(kind="click"))
    assert [info.number for info in published] == [1, 2, 3]
    assert store.versions(7) == tuple(reversed(published))
    assert other.name.startswith("clicknet-p8-1-")
    assert store.projects() == (7, 8)
    assert store.versions(9) == ()


def test_publishing_the_same_model_again_gives_the_version_that_is_there(
    store: ModelStore, tmp_path: Path
) -> None:
    source = trained_files(tmp_path / "job")
    first = store.publish(7, source, facts())
    assert store.publish(7, source, facts(passed=False)) == first
    child = store.publish(7, source, facts(parent=first.name))
    assert (child.number, child.parent) == (2, first.name)


@pytest.mark.parametrize(
    "name", ["unet-p8-1-00000000", "unet-p7-2-00000000", "watershed-1", "../7", "", "unet-p7-1-0000000/", "é"]
)
def test_a_name_that_is_no_version_of_the_project_finds_nothing(
    store: ModelStore, tmp_path: Path, name: str
) -> None:
    store.publish(7, trained_files(tmp_path / "job"), facts())
    assert store.find(7, name) is None


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", "null", '{"kind": 1}', "\ud800", "[" * 20_000], ids=lambda text: text[:9]
)
def test_a_damaged_description_is_an_error_and_not_in_the_list(
    store: ModelStore, tmp_path: Path, content: str
) -> None:
    info = store.publish(7, trained_files(tmp_path / "job"), facts())
    description = store.folder(info) / "model.json"
    description.write_text(content, errors="surrogatepass", encoding="utf-8")
    with pytest.raises(ModelStoreError, match=r"damaged.*activate another"):
        store.find(7, info.name)
    assert store.versions(7) == ()
    newer = store.publish(7, trained_files(tmp_path / "job"), facts())
    assert newer.number == 2


def test_a_description_of_another_version_is_damage(store: ModelStore, tmp_path: Path) -> None:
    info = store.publish(7, trained_files(tmp_path / "job"), facts())
    description = store.folder(info) / "model.json"
    description.write_text(json.dumps(info.to_json() | {"project_id": 8}))
    with pytest.raises(ModelStoreError, match="describes another version"):
        store.find(7, info.name)


def test_files_that_are_gone_or_changed_are_an_error(store: ModelStore, tmp_path: Path) -> None:
    info = store.publish(7, trained_files(tmp_path / "job"), facts())
    weights = store.folder(info) / FILES[0]
    weights.write_text("b")
    with pytest.raises(ModelStoreError, match="not the file that was published"):
        store.folder(info)
    weights.unlink()
    with pytest.raises(ModelStoreError, match="cannot be read"):
        store.folder(info)
    with pytest.raises(ModelStoreError, match="cannot be found"):
        store.find(7, info.name)


def test_a_removed_version_is_gone_and_removing_it_again_does_nothing(
    store: ModelStore, tmp_path: Path
) -> None:
    info = store.publish(7, trained_files(tmp_path / "job"), facts())
    store.remove(info)
    store.remove(info)
    assert store.find(7, info.name) is None
    assert [path.name for path in (tmp_path / "versions" / "7").iterdir()] == [".lock"]


def test_threads_that_publish_the_same_model_make_one_version(store: ModelStore, tmp_path: Path) -> None:
    source = trained_files(tmp_path / "job")
    with ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(store.publish, 7, source, facts()) for _ in range(8)]
        names = {future.result(60).name for future in futures}
    assert len(names) == len(store.versions(7)) == 1


def test_processes_that_publish_at_once_get_different_numbers(store: ModelStore, tmp_path: Path) -> None:
    folder = tmp_path / "versions"
    publishers = [start_publisher(folder, tmp_path / f"job{n}", 10) for n in range(2)]
    names = [line for each in publishers for line in each.communicate(timeout=120)[0].split()[1:]]
    assert [each.returncode for each in publishers] == [0, 0]
    assert sorted(info.name for info in store.versions(7)) == sorted(names)
    assert [info.number for info in store.versions(7)] == list(range(20, 0, -1))


def test_a_publisher_killed_at_any_moment_leaves_whole_versions_and_room_for_the_next(
    store: ModelStore, tmp_path: Path
) -> None:
    moments = random.Random(0)
    promised: list[str] = []
    for _ in range(8):
        publisher = start_publisher(tmp_path / "versions", tmp_path / "job", 10_000)
        assert publisher.stdout is not None
        assert publisher.stdout.readline() == "ready\n"
        time.sleep(moments.uniform(0, 0.1))
        os.kill(publisher.pid, signal.SIGKILL)
        lines = publisher.communicate(timeout=60)[0].split("\n")
        promised += lines[:-1]
    info = store.publish(7, trained_files(tmp_path / "last"), facts())
    found = store.versions(7)
    assert found[0] == info
    assert {info.name for info in found} >= set(promised)
    assert all(store.folder(each) for each in found)
    left = {path.name for path in (tmp_path / "versions" / "7").iterdir()}
    assert left == {".lock"} | {each.name for each in found}


def test_what_the_dead_left_is_swept_by_the_next_publisher(store: ModelStore, tmp_path: Path) -> None:
    left_over = tmp_path / "versions" / "7" / ".unfinished-1"
    trained_files(left_over)
    info = store.publish(7, trained_files(tmp_path / "job"), facts())
    assert not left_over.exists()
    assert store.versions(7) == (info,)


def test_a_full_disk_is_an_error_and_leaves_nothing(store: ModelStore, tmp_path: Path) -> None:
    source = trained_files(tmp_path / "job", "a" * 100_000)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
    try:
        with pytest.raises(ModelStoreError, match="free some space"):
            store.publish(7, source, facts())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [path.name for path in (tmp_path / "versions" / "7").iterdir()] == [".lock"]
    assert store.publish(7, source, facts()).number == 1


def test_what_a_model_has_besides_is_stored_and_watched_with_it(store: ModelStore, tmp_path: Path) -> None:
    source = trained_files(tmp_path / "job")
    (source / MORE_FILES[0]).write_text("folds")
    (source / "log.txt").write_text("not part of it")
    info = store.publish(7, source, facts())
    folder = store.folder(info)
    assert {path.name for path in folder.iterdir()} == {*FILES, *MORE_FILES, "model.json"}
    (folder / MORE_FILES[0]).unlink()
    with pytest.raises(ModelStoreError, match=MORE_FILES[0]):
        store.find(7, info.name)


def test_a_model_without_its_files_is_not_published(store: ModelStore, tmp_path: Path) -> None:
    (trained_files(tmp_path / "job") / "network.json").unlink()
    with pytest.raises(ModelStoreError, match=r"network\.json"):
        store.publish(7, tmp_path / "job", facts())
    assert store.versions(7) == ()
