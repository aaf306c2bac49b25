"""Inspections in one process that stays, whatever happens in it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from backend.services.inspection_process import InspectionProcess
from tests.fakes.inspectors import AWAY, BROKEN, DEADLY, GO_ON, SLOW, noting


@pytest.fixture
def process(tmp_path: Path) -> Iterator[InspectionProcess]:
    made = InspectionProcess(partial(noting, tmp_path))
    yield made
    made.stop(10)


def notes(folder: Path, project: int) -> list[str]:
    file = folder / str(project)
    return file.read_text(encoding="utf-8").split() if file.exists() else []


def test_one_process_inspects_all_projects(process: InspectionProcess, tmp_path: Path) -> None:
    for project in (7, 8, 7):
        process.inspect(project)
    assert notes(tmp_path, 7) == notes(tmp_path, 8) * 2


@pytest.mark.parametrize("project", [AWAY, BROKEN])
def test_a_failure_ends_neither_the_process_nor_the_caller(
    process: InspectionProcess, tmp_path: Path, project: int
) -> None:
    process.inspect(project)
    process.inspect(7)
    assert notes(tmp_path, project) == notes(tmp_path, 7)


def test_a_dead_process_is_replaced(process: InspectionProcess, tmp_path: Path) -> None:
    process.inspect(DEADLY)
    process.inspect(7)
    assert len(notes(tmp_path, 7)) == 1
    assert notes(tmp_path, 7) != notes(tmp_path, DEADLY)


def test_whoever_comes_meanwhile_does_not_wait(process: InspectionProcess, tmp_path: Path) -> None:
    process.inspect(7)  # the process is there
    slow = threading.Thread(target=process.inspect, args=(SLOW,))
    slow.start()
    while not notes(tmp_path, SLOW):
        time.sleep(0.01)
    for _ in range(3):
        process.inspect(8)
    assert notes(tmp_path, 8) == []
    (tmp_path / GO_ON).touch()
    slow.join()
    assert len(notes(tmp_path, 8)) == 1


def test_nothing_begins_after_the_end(process: InspectionProcess, tmp_path: Path) -> None:
    process.stop(10)
    process.inspect(7)
    assert notes(tmp_path, 7) == []
