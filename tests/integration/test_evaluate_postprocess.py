"""The command on a small folder of drawn pictures."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from scripts.evaluate_postprocess import main
from scripts.mask_noise import KINDS
from tests.fakes.commands import invoke
from tests.fakes.drawn_folder import drawn_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return drawn_folder(tmp_path / "drawn")


def evaluate(folder: Path, *arguments: str) -> Result:
    return invoke(main, "--data", str(folder), *arguments, env={"COLUMNS": "250"})


def rows_of(file: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))["rows"]
    return rows


def test_each_chain_is_measured_with_each_damage_and_a_second_call_goes_on(folder: Path) -> None:
    file = folder.parent / "rows.json"
    chains = ["--chain", "fill-holes", "--chain", "drop-fragments:min_share=0.2,keep-largest"]
    choice = ["--every", "6", "--json", str(file)]
    first = evaluate(folder, *chains, *choice)
    assert first.exit_code == 0, first.output
    rows = rows_of(file)
    assert {row["damage"] for row in rows} == set(KINDS)
    assert {row["chain"] for row in rows} == {"fill-holes", "drop-fragments:min_share=0.2,keep-largest"}
    clean = [row for row in rows if row["damage"] == "clean"]
    assert all(row["before"] == 1 for row in clean)
    holes = [row for row in rows if (row["damage"], row["chain"]) == ("holes", "fill-holes")]
    assert sum(row["after"] - row["before"] for row in holes) > 0
    assert "fill-holes" in first.stdout
    assert "Dice before" in first.stdout

    again = evaluate(folder, *chains, *choice)
    assert again.exit_code == 0, again.output
    assert rows_of(file) == rows


def test_a_chain_that_cannot_be_made_and_a_folder_without_objects_are_refused(folder: Path) -> None:
    wrong = evaluate(folder, "--chain", "smooth-outline:radius=99")
    assert wrong.exit_code == 1
    assert "radius must be from" in wrong.output
    nothing = evaluate(folder, "--without-last", "14")
    assert nothing.exit_code == 1
    assert "None of the 0 chosen pictures" in nothing.output
