from collections.abc import Callable
from typing import TypeAlias

import pytest
import torch
from torch import Tensor

from models.losses import dice_loss, normalized_focal_loss

Loss: TypeAlias = Callable[[Tensor, Tensor, Tensor], Tensor]
LOSSES = pytest.mark.parametrize("loss", [normalized_focal_loss, dice_loss])


def case() -> tuple[Tensor, Tensor, Tensor]:
    truth = torch.zeros(2, 1, 8, 8)
    truth[:, :, 2:6, 2:6] = 1
    return (2 * truth - 1), truth, torch.ones_like(truth)


@LOSSES
def test_surer_right_answers_cost_less_and_wrong_ones_most(loss: Loss) -> None:
    logits, truth, weight = case()
    values = [float(loss(factor * logits, truth, weight).mean()) for factor in (10, 1, 0, -1, -10)]

    assert values == sorted(values)
    assert values[0] < 0.01


@LOSSES
def test_ignored_pixels_do_not_matter(loss: Loss) -> None:
    logits, truth, weight = case()
    weight[:, :, :3] = 0
    changed = logits.clone()
    changed[:, :, :3] = -7

    assert torch.allclose(loss(logits, truth, weight), loss(changed, truth, weight))


@LOSSES
def test_each_object_has_its_own_loss(loss: Loss) -> None:
    logits, truth, weight = case()
    logits[1] *= -1
    values = loss(logits, truth, weight)

    assert values.shape == (2,)
    assert values[1] > values[0]


def test_dice_of_half_the_object_is_known() -> None:
    _, truth, weight = case()
    half = truth.clone()
    half[:, :, 4:] = 0
    # 8 of 16 pixels found, none too much; one is added above and below.
    assert dice_loss(100 * (2 * half - 1), truth, weight).tolist() == pytest.approx([1 - 17 / 25] * 2)
