import typer
from typer.testing import CliRunner

from scripts.autolabel import main


def test_making_and_removing_at_once_is_refused() -> None:
    app = typer.Typer()
    app.command()(main)
    result = CliRunner().invoke(app, ["--project", "1", "--undo", "--as-annotations"], env={"COLUMNS": "200"})
    assert result.exit_code == 2
    assert "exclude each other" in result.stderr
