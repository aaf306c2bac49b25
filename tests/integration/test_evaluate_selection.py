"""The command on a small folder of drawn pictures."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import Result

from scripts.evaluate_selection import main
from tests.fakes.commands import invoke

QUICK = ("--rounds", "3,5", "--seeds", "1", "--test", "4", "--seconds", "1", "--side", "64", "--workers", "2")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve pictures of three sequences: a bright disc on dark ground, or nothing."""
    random = np.random.default_rng(0)
    rows, columns = np.mgrid[:60, :80]
    drawn = tmp_path / "drawn"
    for name in ("images", "masks"):
        (drawn / name).mkdir(parents=True)
    for number in range(12):
        disc = np.hypot(rows - 30, columns - 40) < (8 + number if number % 3 else 0)
        picture = np.where(disc, 180, 60)[:, :, None] + random.normal(0, 8, (60, 80, 3))
        cv2.imwrite(str(drawn / "images" / f"{number:02}.png"), picture.clip(0, 255).astype(np.uint8))
        cv2.imwrite(str(drawn / "masks" / f"{number:02}.png"), disc.astype(np.uint8))
    sequences = {f"{first}": [f"{number:02}" for number in range(first, first + 4)] for first in (0, 4, 8)}
    (drawn / "sequences.json").write_text(json.dumps(sequences))
    return drawn


def evaluate(folder: Path, *arguments: str) -> Result:
    return invoke(main, "--data", str(folder), *arguments, env={"COLUMNS": "300"})


def rows_of(file: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))["rows"]
    return rows


@pytest.mark.timeout(600)
def test_projects_are_simulated_once_and_shown_as_curves(folder: Path) -> None:
    file, plot = folder.parent / "rows.json", folder.parent / "curves.png"
    first = evaluate(folder, *QUICK, "--selector", "auto", "--json", str(file))
    assert first.exit_code == 0, first.output
    rows = rows_of(file)
    second = evaluate(
        folder,
        *QUICK,
        "--selector",
        "auto",
        "--selector",
        "committee",
        "--json",
        str(file),
        "--plot",
        str(plot),
    )
    assert second.exit_code == 0, second.output

    ours = [row for row in rows if row["selector"] == "auto"]
    assert [row["n_labels"] for row in ours] == [3, 5]
    assert [row["n_labels"] for row in rows if row["selector"] == "all labels"] == [8]
    assert ours[1]["annotator_s"] > ours[0]["annotator_s"] >= 30
    assert rows_of(file)[:3] == rows
    assert len(rows_of(file)) == 5
    assert all(0 <= row["dice"] <= 1 and 0 <= row["pooled_dice"] <= 1 for row in rows_of(file))
    assert "8 pictures to choose from, 4 others" in second.stdout
    assert "committee" in second.stdout
    assert plot.stat().st_size > 1000


def test_pictures_can_be_classified_instead(folder: Path) -> None:
    file = folder.parent / "rows.json"
    options = ("--task", "classification", "--selector", "bald", "--no-all-labels", "--json", str(file))
    result = evaluate(folder, *QUICK, *options)
    assert result.exit_code == 0, result.output
    first, second = rows_of(file)
    assert first["annotator_s"] == 30
    assert {first["n_labels"], second["n_labels"]} == {3, 5}
    assert 0 <= second["balanced_accuracy"] <= 1


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--selector", "autto"), 1, "no selector called 'autto'"),
        (("--rounds", "8,many"), 2, "--rounds wants numbers"),
        (("--rounds", "9,8"), 2, "--rounds must grow"),
        (("--rounds", "50"), 1, "fewer than 50"),
        (("--task", "detection"), 2, "--task is segmentation or classification"),
        (("--measure", "accuracy"), 2, "--measure is dice or pooled_dice"),
        (("--masks", "colours"), 2, "--masks is objects or classes"),
        (("--group-by", "group"), 1, "groups.json is missing"),
    ],
)
def test_a_mistake_is_named(folder: Path, arguments: tuple[str, ...], code: int, message: str) -> None:
    result = evaluate(folder, *arguments)
    assert result.exit_code == code
    assert message in " ".join(result.stderr.replace("│", " ").split())
