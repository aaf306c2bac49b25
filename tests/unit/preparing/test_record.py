from pathlib import Path

import pytest

from scripts.errors import PrepareError
from scripts.preparing.record import Record


def test_what_was_added_is_found_again(tmp_path: Path) -> None:
    with Record(tmp_path / "r.jsonl") as record:
        record.add("a.tif", "k", 1, {"files": ["x"]})
        record.add("a.tif", "k", 0, {"files": ["y"]})
        record.add_whole("a.tif", "k")
        record.add("b.tif", "k", 0, {"files": []})
    with Record(tmp_path / "r.jsonl") as record:
        assert record.pictures("a.tif", "k") == {0: {"files": ["y"]}, 1: {"files": ["x"]}}
        assert record.is_whole("a.tif", "k")
        assert not record.is_whole("b.tif", "k")
        assert not record.is_whole("c.tif", "k")


def test_a_file_that_changed_begins_anew_and_does_not_come_back(tmp_path: Path) -> None:
    with Record(tmp_path / "r.jsonl") as record:
        record.add("a.tif", "old", 0, {"files": []})
        record.add_whole("a.tif", "old")
        assert record.pictures("a.tif", "new") == {}
        record.add("a.tif", "new", 0, {"files": []})
    with Record(tmp_path / "r.jsonl") as record:
        assert not record.is_whole("a.tif", "old")
        assert record.pictures("a.tif", "old") == {}
        assert list(record.pictures("a.tif", "new")) == [0]


@pytest.mark.parametrize(
    "end", [b'{"file":"a.tif","key":"k","pict', b"\xff\n", b'{"file":"a.tif"}\n', b"[]\n"]
)
def test_a_damaged_last_line_is_dropped(tmp_path: Path, end: bytes) -> None:
    path = tmp_path / "r.jsonl"
    with Record(path) as record:
        record.add("a.tif", "k", 0, {"files": []})
    path.write_bytes(path.read_bytes() + end)
    with Record(path) as record:
        assert list(record.pictures("a.tif", "k")) == [0]
        record.add("a.tif", "k", 1, {"files": []})
    with Record(path, looking=True) as record:
        assert list(record.pictures("a.tif", "k")) == [0, 1]


def test_two_commands_do_not_work_in_one_folder_but_one_may_look(tmp_path: Path) -> None:
    with Record(tmp_path / "r.jsonl"):
        with pytest.raises(PrepareError, match="Another command"), Record(tmp_path / "r.jsonl"):
            pass
        with Record(tmp_path / "r.jsonl", looking=True) as record:
            assert record.pictures("a.tif", "k") == {}


def test_looking_leaves_nothing_behind(tmp_path: Path) -> None:
    with Record(tmp_path / "nowhere" / "r.jsonl", looking=True):
        pass
    assert list(tmp_path.iterdir()) == []
