"""The command on a folder of drawn pictures; a service that it starts must give the same clicks."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from skimage.draw import ellipse
from typer.testing import Result

from scripts.child_process import ENDINGS
from scripts.evaluate_clicks import main
from tests.fakes.commands import invoke


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pictures, each with two ellipses on a noisy ground."""
    random = np.random.default_rng(1)
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    for number in range(2):
        ids = np.zeros((90, 120), np.uint8)
        for value, column in ((1, 30), (2, 85)):
            ids[ellipse(45, column, 25, 12 + 6 * number, rotation=0.5 * value)] = value
        image = np.where(ids[:, :, None] > 0, (150, 140, 90), (110, 120, 100)) + random.normal(
            0, 12, (90, 120, 3)
        )
        PIL.Image.fromarray(image.clip(0, 255).astype(np.uint8)).save(tmp_path / "images" / f"{number}.png")
        PIL.Image.fromarray(ids).save(tmp_path / "masks" / f"{number}.png")
    return tmp_path


def evaluate(folder: Path, *arguments: str) -> Result:
    return invoke(main, "--data", str(folder), "--model", "graphcut", *arguments)


def measured(folder: Path, *arguments: str) -> list[Any]:
    file = folder / "figures.json"
    result = evaluate(folder, "--json", str(file), "--max-clicks", "6", "--curve-clicks", "6", *arguments)
    assert result.exit_code == 0, result.output
    assert "NoC@90" in result.stdout
    (model,) = json.loads(file.read_text())["models"]
    return [(row["stem"], row["number"], row["trace"]["ious"]) for row in model["objects"]]


def test_the_service_and_several_processes_give_what_the_model_gives(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("MASKLOOP_")]:
        monkeypatch.delenv(name)
    directly = measured(folder)

    assert [(stem, number) for stem, number, _ in directly] == [("0", 1), ("0", 2), ("1", 1), ("1", 2)]
    assert all(len(ious) > 1 for _, _, ious in directly)
    assert measured(folder, "--through", "http") == directly
    assert measured(folder, "--workers", "2") == directly


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("--clicker", "center"), 1, "no clicker called 'center'"),
        (("--last", "1", "--pattern", "x*"), 1, "None of the 2 samples"),
        (("--ignore-id", "sometimes"), 2, "auto, none or a number"),
        (("--json", "nowhere/figures.json"), 2, "nowhere is not a folder"),
        (("--plot", "curves.doc"), 2, "ends with .png, .svg or .pdf"),
        (("--through", "ftp"), 2, "http or http=http://"),
        (("--through", "http", "--weights", "x"), 2, "cannot be given to a service"),
        (("--through", "http=http://127.0.0.1:9"), 1, "127.0.0.1:9 did not answer /setup"),
    ],
)
def test_wrong_arguments_end_with_a_message(
    folder: Path, arguments: tuple[str, ...], status: int, message: str
) -> None:
    result = evaluate(folder, *arguments)

    assert result.exit_code == status
    assert message in " ".join(result.stderr.replace("│", " ").split())


def test_handlers_of_signals_are_put_back(folder: Path) -> None:
    before = [signal.getsignal(ending) for ending in ENDINGS]

    evaluate(folder, "--clicker", "center")

    assert [signal.getsignal(ending) for ending in ENDINGS] == before
