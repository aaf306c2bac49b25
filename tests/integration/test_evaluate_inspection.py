"""The command on a small folder of drawn pictures."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import Result

from scripts.evaluate_inspection import main
from scripts.inspection_runs import COMBINED
from tests.fakes.commands import invoke


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 pictures, each with two bright discs on dark ground."""
    made = tmp_path_factory.mktemp("drawn")
    random = np.random.default_rng(0)
    rows, columns = np.mgrid[:60, :90]
    for name in ("images", "masks"):
        (made / name).mkdir()
    for number in range(24):
        labels = np.zeros((60, 90), dtype=np.uint8)
        for index, column in enumerate((25, 65), start=1):
            centre = 30 + random.normal(0, 2), column + random.normal(0, 2)
            labels[np.hypot(rows - centre[0], columns - centre[1]) < 12 + random.normal(0, 0.5)] = index
        picture = np.where(labels > 0, 180, 60)[:, :, None] + random.normal(0, 8, (60, 90, 3))
        cv2.imwrite(str(made / "images" / f"{number}.png"), picture.clip(0, 255).astype(np.uint8))
        cv2.imwrite(str(made / "masks" / f"{number}.png"), labels)
    return made


def evaluate(folder: Path, *arguments: str) -> Result:
    return invoke(main, "--data", str(folder), *arguments, env={"COLUMNS": "250"})


def test_faults_are_found_without_a_network_and_a_second_call_goes_on(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "rows.json"
    fault = ("--share", "0.05", "--fault", "crumbs")
    arguments = ("--most-seconds", "0", *fault, "--json", str(file))
    first = evaluate(folder, *arguments, "--seeds", "1")
    assert first.exit_code == 0, first.output
    before = json.loads(file.read_text(encoding="utf-8"))["rows"]
    assert len(before) == 24
    (faulty,) = [row for row in before if row["fault"]]
    assert faulty["warned"]
    assert faulty == max(before, key=lambda row: row["severities"][COMBINED])
    assert sum(row["warned"] for row in before if not row["fault"]) <= 2
    assert all("missed-object" not in row["severities"] for row in before)

    second = evaluate(folder, *arguments, "--seeds", "2")
    assert second.exit_code == 0, second.output
    rows = json.loads(file.read_text(encoding="utf-8"))["rows"]
    assert rows[:24] == before
    assert {row["seed"] for row in rows} == {0, 1}
    for words in ("average precision", "false alarms per 100", "crumbs", "Rules one by one"):
        assert words in second.stdout


def test_what_a_network_believes_is_asked_too(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "rows.json"
    fast = ("--seconds", "2", "--most-seconds", "2", "--pictures", "12", "--seeds", "1")
    result = evaluate(folder, *fast, "--fault", "missing object", "--json", str(file))
    assert result.exit_code == 0, result.output
    rows = json.loads(file.read_text(encoding="utf-8"))["rows"]
    assert any("unlikely-pixels" in row["severities"] for row in rows)


def test_unknown_faults_are_refused_with_those_that_are_known(folder: Path) -> None:
    result = evaluate(folder, "--fault", "typo")
    assert result.exit_code == 2
    assert "another picture's" in " ".join(result.stderr.split())
