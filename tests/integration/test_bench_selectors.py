import json
from pathlib import Path

from scripts.bench_selectors import main
from tests.fakes.commands import invoke


def test_chosen_selectors_are_timed_beside_chance(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    options = ["--tasks", "300", "--dimensions", "8", "--budget", "20", "--json", str(file)]
    result = invoke(main, "--selector", "core-set", *options, env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    rows = json.loads(file.read_text(encoding="utf-8"))["rows"]
    assert [(row["selector"], row["ranked"]) for row in rows] == [("random", 300), ("core-set", 300)]
    assert all(row["seconds"] >= 0 for row in rows)
    assert "300 tasks, 8 dimensions, 20 chosen together" in result.stdout
