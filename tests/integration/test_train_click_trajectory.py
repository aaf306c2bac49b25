"""The command on a small folder of drawn pictures."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import Result

from backend.inspection.click_features import NAMES
from scripts.train_click_trajectory import area_under_curve, main
from tests.fakes.commands import invoke


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six pictures, each with three bright discs on dark ground."""
    random = np.random.default_rng(0)
    rows, columns = np.mgrid[:120, :160]
    for name in ("images", "masks"):
        (tmp_path / "drawn" / name).mkdir(parents=True)
    for number in range(6):
        labels = np.zeros((120, 160), dtype=np.uint8)
        for index, column in enumerate((30, 80, 130), start=1):
            labels[np.hypot(rows - random.uniform(40, 80), columns - column) < 8 + 2 * index] = index
        picture = np.where(labels > 0, 170, 70)[:, :, None] + random.normal(0, 70, (120, 160, 3))
        cv2.imwrite(
            str(tmp_path / "drawn" / "images" / f"{number}.png"), picture.clip(0, 255).astype(np.uint8)
        )
        cv2.imwrite(str(tmp_path / "drawn" / "masks" / f"{number}.png"), labels)
    return tmp_path / "drawn"


def train(*arguments: str) -> Result:
    return invoke(main, *arguments, env={"COLUMNS": "200"})


def test_weights_are_learned_written_and_tested(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "weights.json"
    result = train("--data", str(folder), "--test", str(folder), "--out", str(out))
    assert result.exit_code == 0, result.output
    content = json.loads(out.read_text(encoding="utf-8"))
    assert set(content["weights"]) == set(NAMES)
    assert content["weights"]["longest pause"] == 0, "simulated annotators do not pause"
    assert content["learned_from"] == ["drawn"]
    assert 15 <= content["objects"] <= 18
    assert "AUC of the number of clicks" in result.stdout


def test_perfect_masks_teach_nothing(folder: Path, tmp_path: Path) -> None:
    labels = np.zeros((120, 160), dtype=np.uint8)
    labels[40:80, 50:100] = 1
    cv2.imwrite(str(folder / "images" / "5.png"), 255 * labels)
    cv2.imwrite(str(folder / "masks" / "5.png"), labels)
    result = train("--data", str(folder), "--last", "1", "--out", str(tmp_path / "weights.json"))
    assert result.exit_code == 1
    assert "Give more pictures" in result.stderr


def test_the_area_under_the_curve_counts_pairs_in_the_right_order() -> None:
    poor = np.array([True, True, False, False])
    assert area_under_curve(np.array([0.9, 0.8, 0.2, 0.1]), poor) == 1
    assert area_under_curve(np.array([0.9, 0.1, 0.5, 0.5]), poor) == 0.5
    assert np.isnan(area_under_curve(np.array([0.9, 0.1]), np.array([True, True])))
