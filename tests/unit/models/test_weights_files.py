import hashlib
import re
from pathlib import Path

import pytest

from models.errors import UnknownNameError
from models.weights_files import WEIGHTS_FILES, file_sha256, remedy, weights_file, weights_path


def test_each_published_file_is_described_completely() -> None:
    assert len({file.name for file in WEIGHTS_FILES}) == len({file.file_name for file in WEIGHTS_FILES})
    for file in WEIGHTS_FILES:
        assert re.fullmatch("[0-9a-f]{64}", file.sha256)
        assert file.url.startswith("https://")
        assert file.url.endswith(f"/{file.file_name}")
        assert file.size_bytes > 10**8
        assert file.licence


def test_a_name_stands_for_its_file_in_the_folder() -> None:
    assert weights_path("sam-vit-b", Path("/state/weights")) == Path("/state/weights/sam_vit_b_01ec64.pth")


def test_anything_else_is_a_path() -> None:
    assert weights_path("~/mine.safetensors", Path("/state")) == Path.home() / "mine.safetensors"


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    assert weights_file("sam-vit-h").file_name == "sam_vit_h_4b8939.pth"
    with pytest.raises(UnknownNameError, match="sam-vit-b, sam-vit-h, sam-vit-l"):
        weights_file("sam")


def test_the_remedy_is_the_command_for_published_files_and_the_names_for_others() -> None:
    assert remedy(Path("/x/sam_vit_h_4b8939.pth")).endswith("python -m scripts.fetch_weights sam-vit-h")
    assert "sam-vit-b, sam-vit-l" in remedy(Path("/x/mine.pth"))


def test_the_checksum_is_that_of_the_whole_content(tmp_path: Path) -> None:
    content = b"weights" * 400_000
    (tmp_path / "file").write_bytes(content)
    assert file_sha256(tmp_path / "file") == hashlib.sha256(content).hexdigest()
