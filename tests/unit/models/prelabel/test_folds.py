"""Networks of folds, and who is asked about an example."""

from pathlib import Path

import numpy as np
import pytest
import torch

from models.arrays import Image
from models.errors import WeightsError, WeightsNotFoundError
from models.networks.unet import UNet as Network
from models.prelabel.folds import FOLDS, packed_folds, read_folds
from models.prelabel.network_description import DESCRIPTION, NetworkDescription
from models.prelabel.unet import UNet
from models.prelabel.unlearned import Unlearned
from tests.fakes.random_unet import write_random_unet


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A version with two folds of other random weights."""
    made = write_random_unet(tmp_path / "model")
    (made / FOLDS).write_bytes(
        packed_folds([(random_network(made, 1), ["a", "b"]), (random_network(made, 2), ["c"])])
    )
    return made


def random_network(folder: Path, seed: int) -> Network:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return NetworkDescription.read(folder / DESCRIPTION).new_network()


def picture() -> Image:
    return np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)


def asked(folder: Path, *trained_on: str) -> Unlearned:
    model = UNet(folder)
    model.load()
    unlearned = Unlearned(model, trained_on)
    unlearned.load()
    return unlearned


def test_each_key_leads_to_the_network_that_has_not_learned_from_it(folder: Path) -> None:
    folds = read_folds(folder / FOLDS, NetworkDescription.read(folder / DESCRIPTION))
    assert set(folds) == {"a", "b", "c"}
    assert folds["a"] is folds["b"]
    same = random_network(folder, 1).classes.weight
    assert torch.allclose(folds["a"].classes.weight, same, atol=1e-3)
    assert not torch.allclose(folds["c"].classes.weight, same, atol=1e-3)


def test_examples_are_asked_about_by_their_fold_and_strangers_by_the_final_network(folder: Path) -> None:
    unlearned = asked(folder, "a", "b", "c")
    said = {key: unlearned.ask(key, picture()) for key in ("a", "b", "c", "stranger")}
    assert not any(answer.learned for answer in said.values())
    maps = {key: answer.segments.probabilities for key, answer in said.items()}
    assert np.array_equal(maps["a"], maps["b"])
    assert not np.allclose(maps["a"], maps["c"])
    model = UNet(folder)
    model.load()
    assert np.array_equal(maps["stranger"], model.analyse(picture()).probabilities)


def test_without_folds_it_is_said_that_the_network_has_learned_from_the_example(tmp_path: Path) -> None:
    unlearned = asked(write_random_unet(tmp_path / "model"), "a")
    assert unlearned.ask("a", picture()).learned
    assert not unlearned.ask("b", picture()).learned


def test_files_that_hold_no_folds_are_an_error(folder: Path) -> None:
    description = NetworkDescription.read(folder / DESCRIPTION)
    with pytest.raises(WeightsNotFoundError):
        read_folds(folder / "missing.safetensors", description)
    with pytest.raises(WeightsError, match="networks of folds"):
        read_folds(folder / "weights.safetensors", description)
    (folder / FOLDS).write_bytes(b"something else")
    with pytest.raises(WeightsError):
        read_folds(folder / FOLDS, description)
