from scripts.autolabel import main
from tests.fakes.commands import invoke


def test_making_and_removing_at_once_is_refused() -> None:
    result = invoke(main, "--project", "1", "--undo", "--as-annotations", env={"COLUMNS": "200"})
    assert result.exit_code == 2
    assert "exclude each other" in result.stderr
