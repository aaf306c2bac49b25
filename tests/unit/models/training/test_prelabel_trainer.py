from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from models.errors import TrainingRunError
from models.label_schema import LabelSchema, Question
from models.networks.unet import UNet
from models.training import prelabel_trainer
from models.training.prelabel_samples import Sample
from models.training.prelabel_trainer import Plan, PrelabelTrainer, crop_side, train_error_branch

SCHEMA = LabelSchema(("cell",), (Question("light", ("dark", "bright")),))
FOREVER = 1e9
ROWS, COLUMNS = np.mgrid[:48, :64]


def sample(number: int) -> Sample:
    mask = np.hypot(ROWS - 20, COLUMNS - 20 - 6 * number) < 12
    image = np.where(mask[:, :, None], (200, 60, 50), (60, 110, 160)).astype(np.uint8)
    answer = np.array([number % 2 == 0, number % 2 == 1], np.float32)
    return Sample(str(number), str(number), image, mask.astype(np.uint8), mask * np.uint8(200), (answer,))


SAMPLES = [sample(number) for number in range(3)]


def new_network(seed: int = 0) -> UNet:
    torch.manual_seed(seed)
    return UNet(1, [2])


def trainer(
    network: UNet,
    steps: int,
    checkpoint: Path | None = None,
    report: Callable[[float], None] = lambda _: None,
    *,
    seconds: float = FOREVER,
    seed: int = 5,
) -> PrelabelTrainer:
    plan = Plan(steps, seconds)
    return PrelabelTrainer(network, SAMPLES, SCHEMA, plan, seed=seed, checkpoint=checkpoint, report=report)


def weights(network: UNet) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in network.state_dict().items()}


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return all(torch.equal(value, other[name]) for name, value in one.items())


class StoppedError(Exception):
    """Somebody cancels."""


def stopping_after(reports: int) -> Callable[[float], None]:
    left = iter(range(reports))

    def report(_: float) -> None:
        if next(left, None) is None:
            raise StoppedError

    return report


@pytest.fixture
def saving_always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prelabel_trainer, "_SAVE_EVERY_S", -1.0)


@pytest.mark.usefixtures("saving_always")
def test_a_training_that_was_stopped_ends_as_one_that_was_not(tmp_path: Path) -> None:
    whole, stopped, resumed = new_network(), new_network(), new_network(seed=1)
    assert trainer(whole, 6).run() == 6
    with pytest.raises(StoppedError):
        trainer(stopped, 6, tmp_path / "state.pt", stopping_after(3)).run()
    assert trainer(resumed, 6, tmp_path / "state.pt").run() == 6

    assert not same(weights(stopped), weights(whole))
    assert same(weights(resumed), weights(whole))


def test_seeds_decide(tmp_path: Path) -> None:
    first, again, other = new_network(), new_network(), new_network()
    for network, seed in ((first, 1), (again, 1), (other, 2)):
        trainer(network, 2, seed=seed).run()

    assert same(weights(first), weights(again))
    assert not same(weights(first), weights(other))


@pytest.mark.usefixtures("saving_always")
@pytest.mark.parametrize("damage", ["empty", "cut", "other", "list"])
def test_a_damaged_state_is_said_with_what_to_do(tmp_path: Path, damage: str) -> None:
    file = tmp_path / "state.pt"
    with pytest.raises(StoppedError):
        trainer(new_network(), 6, file, stopping_after(1)).run()
    if damage == "other":
        torch.save({"network": {}, "optimizer": {}, "step": 0, "seconds": 0.0}, file)
    elif damage == "list":
        torch.save([1, 2], file)
    else:
        content = file.read_bytes()
        file.write_bytes(content[: 0 if damage == "empty" else len(content) // 2])

    with pytest.raises(
        TrainingRunError, match=r"(?s)state\.pt is damaged .*delete it to begin this training again"
    ):
        trainer(new_network(), 6, file).run()


def test_a_training_ends_when_its_time_is_up() -> None:
    reports: list[float] = []
    made = trainer(new_network(), 10**6, None, reports.append, seconds=0.05).run()

    assert 1 <= made < 100
    assert reports == sorted(reports)
    assert reports[0] == 0
    assert reports[-1] == 1


def test_a_training_ends_when_its_judge_says_so() -> None:
    asked: list[int] = []

    def judge(network: UNet, step: int) -> bool:
        asked.append(step)
        return step == 2

    assert trainer(new_network(), 9).run(judge) == 2
    assert asked == [1, 2]


def test_the_first_blocks_and_the_error_branch_stay_as_they_are() -> None:
    network = new_network()
    before = weights(network)
    trainer(network, 2).run()
    changed = {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}

    assert not any(name.startswith(("errors.", "encoder.blocks.0.", "encoder.blocks.3.")) for name in changed)
    assert any(name.startswith("encoder.blocks.10.") for name in changed)
    assert any(name.startswith("answers.") for name in changed)
    assert not network.training


def test_the_error_branch_is_trained_and_nothing_else() -> None:
    network, other = new_network().eval(), new_network(seed=1).eval()
    before, before_other = weights(network), weights(other)
    reports: list[float] = []
    train_error_branch(network, [(other, SAMPLES)], Plan(3, FOREVER), seed=0, report=reports.append)
    changed = {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}

    assert changed
    assert all(name.startswith("errors.") for name in changed)
    assert same(weights(other), before_other)
    assert reports == sorted(reports)
    assert reports[-1] == 1


def test_cancelling_the_error_branch_passes_through() -> None:
    with pytest.raises(StoppedError):
        train_error_branch(
            new_network(), [(new_network(), SAMPLES)], Plan(9, FOREVER), seed=0, report=stopping_after(1)
        )


@pytest.mark.parametrize(
    ("size_hw", "side"), [((48, 64), 64), ((40, 65), 96), ((192, 30), 192), ((300, 512), 256)]
)
def test_crops_hold_whole_pictures_up_to_a_size(size_hw: tuple[int, int], side: int) -> None:
    plane = np.zeros(size_hw, np.uint8)
    of_size = Sample("a", "a", np.zeros((*size_hw, 3), np.uint8), plane, plane, ())

    assert crop_side([of_size], 256) == side
