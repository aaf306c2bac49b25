import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from backend.errors import PrelabelRoundError
from backend.state.answer_file import AnswerFile


def prediction(number: int) -> dict[str, Any]:
    return {"result": [{"id": f"r{number}"}], "score": 0.5, "model_version": "v"}


def fill(path: Path, *numbers: int, basis: str = "b") -> None:
    with AnswerFile(path, basis) as answers:
        for number in numbers:
            answers.add(number, f"d{number}", prediction(number))


def kept(path: Path, basis: str = "b") -> set[int]:
    with AnswerFile(path, basis) as answers:
        return set(answers.task_ids)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "7" / "v.jsonl"


def test_answers_are_there_after_a_restart(path: Path) -> None:
    fill(path, 1, 2)
    with AnswerFile(path, "b") as answers:
        assert answers.has(1, "d1")
        assert list(answers.predictions([2, 1])) == [prediction(2), prediction(1)]


def test_an_answer_to_other_data_of_the_task_does_not_count(path: Path) -> None:
    fill(path, 1)
    with AnswerFile(path, "b") as answers:
        assert not answers.has(1, "other")
        answers.add(1, "other", prediction(9))
        assert answers.has(1, "other")
    with AnswerFile(path, "b") as answers:
        assert answers.has(1, "other")
        assert list(answers.predictions([1])) == [prediction(9)]


def test_answers_of_another_config_are_thrown_away(path: Path) -> None:
    fill(path, 1, 2)
    assert kept(path, basis="other") == set()
    assert kept(path) == set()


@pytest.mark.parametrize("lost", range(1, 60))
def test_a_line_that_was_not_written_to_its_end_is_dropped(path: Path, lost: int) -> None:
    fill(path, 1, 2, 3)
    path.write_bytes(path.read_bytes()[:-lost])
    assert kept(path) == {1, 2}
    fill(path, 4)
    assert kept(path) == {1, 2, 4}


def test_a_file_that_was_killed_in_its_first_line_begins_anew(path: Path) -> None:
    fill(path, 1)
    path.write_bytes(path.read_bytes()[:4])
    fill(path, 1)
    assert kept(path) == {1}


def test_what_is_no_answer_ends_the_file(path: Path) -> None:
    fill(path, 1)
    with path.open("ab") as file:
        file.write(b'{"task": "1"}\n')
    assert kept(path) == {1}


def test_two_runs_cannot_use_one_file(path: Path) -> None:
    with AnswerFile(path, "b"), pytest.raises(PrelabelRoundError, match="Another run"):
        AnswerFile(path, "b").__enter__()
    assert kept(path) == set()


def test_looking_changes_nothing(path: Path) -> None:
    with AnswerFile(path, "b", looking=True) as answers:
        assert answers.task_ids == frozenset()
    assert not path.parent.exists()
    fill(path, 1)
    before = path.read_bytes()
    with AnswerFile(path, "b"), AnswerFile(path, "b", looking=True) as answers:
        assert answers.task_ids == {1}
    with AnswerFile(path, "other", looking=True) as answers:
        assert answers.task_ids == frozenset()
    assert path.read_bytes() == before


def test_a_folder_that_cannot_be_made_is_said_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PrelabelRoundError, match="allow writing"):
        AnswerFile(tmp_path / "file" / "7" / "v.jsonl", "b").__enter__()


@contextmanager
def full_disk(file: Path) -> Iterator[None]:
    """Let no file grow beyond the size of this one, as on a full disk; the tests' own log is one, too."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file.stat().st_size + 9, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_said_and_what_was_written_stays(path: Path) -> None:
    with AnswerFile(path, "b") as answers:
        answers.add(1, "d1", prediction(1))
        with full_disk(path), pytest.raises(PrelabelRoundError, match="Free some space"):
            answers.add(2, "d2", prediction(2))
    assert kept(path) == {1}


def test_a_file_without_answers_is_not_left_behind(path: Path) -> None:
    fill(path)
    assert not path.exists()


def test_a_file_is_deleted_with_its_answers(path: Path) -> None:
    with AnswerFile(path, "b") as answers:
        answers.add(1, "d1", prediction(1))
        answers.delete()
    assert not path.exists()
