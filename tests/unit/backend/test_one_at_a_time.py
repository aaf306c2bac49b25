"""A second one is told at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.errors import QueueRoundError
from backend.state.one_at_a_time import one_at_a_time


def test_a_second_one_is_refused_until_the_first_has_ended(tmp_path: Path) -> None:
    path = tmp_path / "queue" / "1" / ".lock"
    with one_at_a_time(path, "orders project 1"):
        with pytest.raises(QueueRoundError, match="Another process orders project 1"):
            with one_at_a_time(path, "orders project 1"):
                pytest.fail("both were let in")
        with one_at_a_time(tmp_path / "queue" / "2" / ".lock", "orders project 2"):
            pass
    with one_at_a_time(path, "orders project 1"):
        pass


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "queue").write_text("a file in the way")
    with (
        pytest.raises(QueueRoundError, match="Allow writing there"),
        one_at_a_time(tmp_path / "queue" / ".lock", "x"),
    ):
        pytest.fail("nothing was locked")
