from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from models.networks.unet import Pyramid, Segmentation, UNet
from models.training.early_stop import JUDGE_EVERY, EarlyStop
from models.training.prelabel_samples import UNKNOWN, Sample

_SIDE = 64
_MANY = 20


def sample(drawn: int = 0, elsewhere: int = 0) -> Sample:
    """A grey picture with a square of one class."""
    classes = np.full((_SIDE, _SIDE), elsewhere, dtype=np.uint8)
    classes[16:48, 16:48] = drawn
    grey = np.full((_SIDE, _SIDE, 3), 128, dtype=np.uint8)
    return Sample("1/image", "1", grey, classes, np.zeros_like(classes), ())


def always(class_number: int) -> UNet:
    """A network that sees the same class everywhere, whatever it is shown."""
    network = UNet(1, [])
    chosen = torch.nn.functional.one_hot(torch.tensor(class_number), 2).float()

    def segment(pyramid: Pyramid) -> Segmentation:
        found = UNet.segment(network, pyramid)
        return replace(found, logits=10 * chosen[None, :, None, None].expand_as(found.logits))

    network.segment = segment  # type: ignore[method-assign]
    return network.train()


def judgements(judge: EarlyStop, network: UNet) -> list[bool]:
    return [judge(network, number * JUDGE_EVERY) for number in range(1, _MANY + 1)]


def test_a_training_that_gets_no_better_ends_after_some_patience() -> None:
    network = always(1)
    said = judgements(EarlyStop([sample(1)]), network)
    assert said.index(True) == 4
    assert network.training


def test_nothing_is_said_between_two_judgements() -> None:
    judge, network = EarlyStop([sample(1)]), always(1)
    assert not any(judge(network, step) for step in range(1, JUDGE_EVERY * _MANY) if step % JUDGE_EVERY)


def test_a_network_that_has_found_nothing_yet_goes_on_although_most_pictures_are_empty() -> None:
    samples = [sample(), sample(), sample(), sample(1)]
    assert not any(judgements(EarlyStop(samples), always(0)))


def test_without_objects_to_judge_by_the_time_decides() -> None:
    unknown = sample(UNKNOWN, elsewhere=UNKNOWN)
    assert not any(judgements(EarlyStop([sample(), unknown]), always(1)))
