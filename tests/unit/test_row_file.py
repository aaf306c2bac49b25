from pathlib import Path

import pytest

from models.errors import TrainingRunError
from scripts.row_file import RowFile


def test_rows_are_there_again_for_the_same_command(tmp_path: Path) -> None:
    RowFile(tmp_path / "rows.json", {"seconds": 3}).add([{"dice": 0.5}])
    again = RowFile(tmp_path / "rows.json", {"seconds": 3})
    again.add([{"dice": 0.6}])
    assert RowFile(tmp_path / "rows.json", {"seconds": 3}).rows == [{"dice": 0.5}, {"dice": 0.6}]


def test_without_a_file_rows_are_kept_for_the_command_alone() -> None:
    rows = RowFile(None, {})
    rows.add([{"dice": 0.5}])
    assert rows.rows == [{"dice": 0.5}]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"how": {"seconds": 9}, "rows": []}', "other options.*seconds.*9.*another --json file"),
        ('{"figures": 1}', "not a result of this command.*another --json file"),
        ("[1]", "not a result of this command"),
        ("no JSON", "not a result of this command"),
    ],
)
def test_what_another_command_wrote_is_not_touched(tmp_path: Path, content: str, message: str) -> None:
    file = tmp_path / "rows.json"
    file.write_text(content)
    with pytest.raises(TrainingRunError, match=message):
        RowFile(file, {"seconds": 3})
    assert file.read_text() == content
