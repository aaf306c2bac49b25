"""The command as its user runs it, on pictures that are drawn; few and short."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import Result

from models.training.samples import DataFolder
from scripts.evaluate_click_fit import divide, main
from tests.fakes.commands import invoke
from tests.fakes.dotted_objects import dotted_picture


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "dots"
    for kind in ("images", "masks"):
        (path / kind).mkdir(parents=True)
    for number in range(20):
        image, regions = dotted_picture(number)
        labels = np.zeros(image.shape[:2], dtype=np.uint8)
        for index, region in enumerate(regions, start=1):
            region.paint(labels, index)
        cv2.imwrite(str(path / "images" / f"{number:02d}.png"), image)
        cv2.imwrite(str(path / "masks" / f"{number:02d}.png"), labels)
    groups = {f"video {first}": [f"{first:02d}", f"{first + 1:02d}"] for first in range(0, 20, 2)}
    (path / "groups.json").write_text(json.dumps(groups))
    return path


def evaluate(folder: Path, *more: str) -> Result:
    return invoke(main, "--data", str(folder), "--seeds", "1", "--steps", "2", *more)


def test_clicks_are_counted_before_and_after(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "clicks.json"
    done = evaluate(folder, "--labels", "18", "--seconds", "4", "--every", "3", "--json", str(file))

    assert done.exit_code == 0, done.output
    assert "steps. Gate: " in done.output
    content = json.loads(file.read_text())
    assert [column["title"] for column in content["models"]] == ["shipped, seed 0", "fitted, seed 0"]
    assert all(column["figures"]["n_objects"] == 2 for column in content["models"])
    assert content["gates"][0]["objects"] == 54


def test_groups_are_not_divided(folder: Path) -> None:
    data = DataFolder(folder)
    learned, asked = divide(data, data.stems, 7, seed=3)
    groups = data.groups()

    assert (len(learned), len(asked)) == (8, 12)
    assert not {groups[stem] for stem in learned} & {groups[stem] for stem in asked}
    assert divide(data, data.stems, 7, seed=3) == (learned, asked)


def test_too_few_pictures_or_objects_are_said(folder: Path) -> None:
    for labels, message in (("20", "lower --labels"), ("8", "50 outlined objects")):
        done = evaluate(folder, "--labels", labels, "--every", "12")
        assert done.exit_code == 1
        assert message in done.output
