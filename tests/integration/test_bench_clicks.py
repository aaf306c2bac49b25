"""The click benchmarks, short and small, with a real server process."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from scripts.bench_clicks import app


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("MASKLOOP_")]:
        monkeypatch.delenv(name)


def measured(folder: Path, *arguments: str) -> dict[str, Any]:
    file = folder / "figures.json"
    command = [*arguments, "--model", "graphcut", "--size", "128", "--json", str(file)]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    content: dict[str, Any] = json.loads(file.read_text())
    return content


def test_the_latency_is_compared_with_a_model_that_does_nothing(tmp_path: Path) -> None:
    figures = measured(tmp_path, "latency", "--pictures", "4", "--think", "0")["figures"]

    assert figures["click"]["n"] >= 9
    assert figures["first click, task opened before"]["n"] == 1
    assert figures["first click, task not opened"]["n"] == 2
    assert figures["click"]["ratio"] > 1
    assert figures["click, no-op model"]["ratio"] == 1


def test_masks_of_annotators_who_click_together_are_checked(tmp_path: Path) -> None:
    figures = measured(tmp_path, "annotators", "--annotators", "6", "--period", "0.5", "--seconds", "1")[
        "figures"
    ]

    # Each of the six clicks at least once, however long an answer takes.
    assert figures["clicks"]["n"] == figures["answers"]["sent"] >= 6
    assert figures["answers"]["errors"] == figures["answers"]["wrong_masks"] == 0
    assert figures["answers"]["lowest_iou"] == 1


def test_memory_is_sampled_while_pictures_are_clicked(tmp_path: Path) -> None:
    content = measured(tmp_path, "memory", "--clicks", "100", "--images", "2")

    assert [number for number, _ in content["samples"]] == [*range(1, 101)]
    assert all(50 < held < 4000 for _, held in content["samples"])
    assert content["figures"]["resident"]["last"] == content["samples"][-1][1]
    held = {name: row["held"] for name, row in content["figures"].items() if name != "resident"}
    assert held.keys() == {
        f'maskloop_cache_bytes{{cache="{cache}"}}' for cache in ("image", "embedding", "mask")
    }
    assert all(size > 0 for size in held.values())
