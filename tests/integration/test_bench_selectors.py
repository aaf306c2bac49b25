import json
from pathlib import Path

import typer
from typer.testing import CliRunner

from scripts.bench_selectors import main


def test_chosen_selectors_are_timed_beside_chance(tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(main)
    file = tmp_path / "figures.json"
    options = ["--tasks", "300", "--dimensions", "8", "--budget", "20", "--json", str(file)]
    result = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["--selector", "core-set", *options])
    assert result.exit_code == 0, result.output
    rows = json.loads(file.read_text(encoding="utf-8"))["rows"]
    assert [(row["selector"], row["ranked"]) for row in rows] == [("random", 300), ("core-set", 300)]
    assert all(row["seconds"] >= 0 for row in rows)
    assert "300 tasks, 8 dimensions, 20 chosen together" in result.stdout
