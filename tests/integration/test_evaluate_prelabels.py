"""The command on a small folder of drawn pictures."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import Result

from scripts.evaluate_prelabels import main
from tests.fakes.commands import invoke


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ten pictures, each with a bright disc of its own size on dark ground."""
    random = np.random.default_rng(0)
    rows, columns = np.mgrid[:60, :80]
    for name in ("images", "masks"):
        (tmp_path / "drawn" / name).mkdir(parents=True)
    for number in range(10):
        disc = np.hypot(rows - 30, columns - 40) < 8 + number
        picture = np.where(disc, 180, 60)[:, :, None] + random.normal(0, 8, (60, 80, 3))
        cv2.imwrite(
            str(tmp_path / "drawn" / "images" / f"{number}.png"), picture.clip(0, 255).astype(np.uint8)
        )
        cv2.imwrite(str(tmp_path / "drawn" / "masks" / f"{number}.png"), disc.astype(np.uint8))
    return tmp_path / "drawn"


def evaluate(folder: Path, *arguments: str) -> Result:
    return invoke(main, "--data", str(folder), *arguments, env={"COLUMNS": "250"})


def rows_of(file: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))["rows"]
    return rows


def test_the_curve_is_drawn_and_a_second_call_goes_on_with_the_first(folder: Path) -> None:
    file = folder.parent / "rows.json"
    first = evaluate(folder, "--labeller", "otsu", "--json", str(file))
    assert first.exit_code == 0, first.output
    (otsu,) = rows_of(file)
    second = evaluate(folder, "--labeller", "otsu", "--labeller", "watershed", "--json", str(file))
    assert second.exit_code == 0, second.output
    kept, watershed = rows_of(file)

    assert kept == otsu
    assert otsu["labeller"] == "otsu"
    assert otsu["dice"] > 0.9
    assert watershed["labeller"] == "watershed"
    assert "4 pictures asked about, 6 others" in second.stdout
    assert "watershed" in second.stdout


def test_a_network_is_trained_and_its_beliefs_are_judged(folder: Path) -> None:
    file = folder.parent / "rows.json"
    fast = ("--labels", "2", "--seeds", "1", "--seconds", "1", "--most-seconds", "1")
    result = evaluate(folder, "--labeller", "unet", *fast, "--json", str(file))

    assert result.exit_code == 0, result.output
    (row,) = rows_of(file)
    assert (row["labeller"], row["n_labels"], row["seed"]) == ("unet", 2, 0)
    assert {"dice", "iou", "ap50", "fit_s", "predict_ms", "expected_mae", "ap_error_map"} <= row.keys()
    assert "Predicted quality" in result.stdout


def test_rows_of_other_options_are_not_mixed(folder: Path) -> None:
    file = folder.parent / "rows.json"
    assert evaluate(folder, "--labeller", "otsu", "--json", str(file)).exit_code == 0
    before = file.read_bytes()
    result = evaluate(folder, "--labeller", "otsu", "--last", "8", "--json", str(file))

    assert result.exit_code == 1
    assert "was made with other options" in " ".join(result.stderr.split())
    assert file.read_bytes() == before


@pytest.mark.parametrize("content", ["{", "[]", '{"rows": []}'])
def test_a_file_of_something_else_is_not_overwritten(folder: Path, content: str) -> None:
    file = folder.parent / "rows.json"
    file.write_text(content, encoding="utf-8")
    result = evaluate(folder, "--labeller", "otsu", "--json", str(file))

    assert result.exit_code == 1
    assert "is not a result of this command" in " ".join(result.stderr.split())
    assert file.read_text(encoding="utf-8") == content


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("--labeller", "otzu"), 1, "no pre-labeller called 'otzu'"),
        (("--labels", "8,many"), 2, "--labels wants numbers and all"),
        (("--masks", "colours"), 2, "--masks is objects or classes"),
        (("--group-by", "patient"), 2, "--group-by is auto, none, sequence or group"),
        (("--last", "2"), 2, "--last"),
        (("--json", "nowhere/rows.json"), 2, "nowhere is not a folder"),
        (("--seconds", "0"), 2, "--seconds"),
    ],
)
def test_wrong_options_end_with_a_message(
    folder: Path, arguments: tuple[str, ...], status: int, message: str
) -> None:
    result = evaluate(folder, *arguments)

    assert result.exit_code == status
    assert message in " ".join(result.stderr.replace("│", " ").split())


def test_a_folder_of_one_sequence_is_too_few(folder: Path) -> None:
    names = [str(number) for number in range(10)]
    (folder / "sequences.json").write_text(json.dumps({"film": names}), encoding="utf-8")
    result = evaluate(folder, "--labeller", "otsu")

    assert result.exit_code == 1
    assert "10 pictures in 1 groups: too few to keep some back" in " ".join(result.stderr.split())


def test_groups_that_are_asked_for_must_be_there(folder: Path) -> None:
    missing = evaluate(folder, "--labeller", "otsu", "--group-by", "sequence")
    (folder / "sequences.json").write_text(json.dumps({"first": ["0", "1", "2"], "second": ["3", "4"]}))
    found = evaluate(folder, "--labeller", "otsu", "--group-by", "sequence")

    assert missing.exit_code == 1
    assert "sequences.json is missing" in missing.stderr
    assert found.exit_code == 0, found.output


def test_a_folder_without_pictures_is_said(tmp_path: Path) -> None:
    result = evaluate(tmp_path, "--labeller", "otsu")

    assert result.exit_code == 1
    assert "holds no pictures with masks" in " ".join(result.stderr.split())
