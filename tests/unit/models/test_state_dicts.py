from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from models.errors import WeightsError, WeightsNotFoundError
from models.state_dicts import read_state_dict

TENSORS = {"a.weight": torch.arange(6.0).reshape(2, 3), "a.bias": torch.tensor([1, 2])}


@pytest.mark.parametrize("name", ["tensors.pth", "tensors.safetensors"])
def test_tensors_are_read_from_both_formats(tmp_path: Path, name: str) -> None:
    save = save_file if name.endswith("safetensors") else torch.save
    save(TENSORS, tmp_path / name)
    read = read_state_dict(tmp_path / name)
    assert read.keys() == TENSORS.keys()
    assert all(torch.equal(read[key], TENSORS[key]) for key in TENSORS)


@pytest.mark.parametrize("name", ["broken.pth", "broken.safetensors"])
@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", b"PK\x03\x04 cut off", b"\x80\x02}"])
def test_a_broken_file_is_refused_with_its_path(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(WeightsError, match=name):
        read_state_dict(tmp_path / name)


def test_a_cut_off_checkpoint_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cut.pth"
    torch.save({"weight": torch.zeros(10_000)}, path)
    path.write_bytes(path.read_bytes()[:20_000])
    with pytest.raises(WeightsError, match="cannot be read"):
        read_state_dict(path)


@pytest.mark.parametrize("name", ["missing.pth", ""])
def test_what_is_no_file_is_missing(tmp_path: Path, name: str) -> None:
    with pytest.raises(WeightsNotFoundError, match="There are no weights at"):
        read_state_dict(tmp_path / name)
