from dataclasses import replace

import pytest
import torch
from torch import Tensor

from models.networks.clicknet import ClickNet, PromptTensors

SIDE = 64


@pytest.fixture(scope="module")
def network() -> ClickNet:
    torch.manual_seed(0)
    return ClickNet(widths=(16, 16, 8, 8)).eval()


def prompts(batch: int = 1) -> PromptTensors:
    clicks = torch.tensor([[[20.0, 30.0, 1.0], [50.0, 10.0, -1.0]]]).repeat(batch, 1, 1)
    return PromptTensors(clicks, torch.zeros(batch, 1, SIDE, SIDE), torch.zeros(batch, 1, SIDE, SIDE))


def answer(network: ClickNet, images: Tensor, said: PromptTensors) -> tuple[Tensor, Tensor]:
    with torch.inference_mode():
        logits, quality = network.decode(network.encode(images), said)
    return logits, quality


@pytest.mark.parametrize("size", [(64, 64), (32, 80), (16, 16)])
def test_logits_have_the_size_of_the_picture(network: ClickNet, size: tuple[int, int]) -> None:
    said = PromptTensors(torch.zeros(3, 1, 3), torch.zeros(3, 1, *size), torch.zeros(3, 1, *size))
    logits, quality = answer(network, torch.rand(3, 3, *size), said)

    assert logits.shape == (3, 1, *size)
    assert quality.shape == (3,)
    assert logits.isfinite().all() and quality.isfinite().all()


def test_objects_of_a_batch_do_not_mix(network: ClickNet) -> None:
    images = torch.rand(2, 3, SIDE, SIDE)
    both = answer(network, images, prompts(2))[0]
    alone = torch.cat([answer(network, images[i : i + 1], prompts())[0] for i in (0, 1)])

    assert torch.allclose(both, alone, atol=1e-4)


def test_places_for_clicks_that_are_not_used_change_nothing(network: ClickNet) -> None:
    images, said = torch.rand(1, 3, SIDE, SIDE), prompts()
    unused = torch.tensor([[[5.0, 60.0, 0.0]]])
    more = replace(said, clicks=torch.cat([said.clicks, unused], 1))

    assert torch.equal(answer(network, images, said)[0], answer(network, images, more)[0])


@pytest.mark.parametrize("part", ["box", "previous"])
def test_boxes_and_previous_masks_are_seen(network: ClickNet, part: str) -> None:
    images, said = torch.rand(1, 3, SIDE, SIDE), prompts()
    marked = torch.zeros(1, 1, SIDE, SIDE)
    marked[..., 10:40, 10:40] = 1

    assert not torch.allclose(
        answer(network, images, said)[0], answer(network, images, replace(said, **{part: marked}))[0]
    )


def test_the_kind_of_a_click_is_seen(network: ClickNet) -> None:
    images, said = torch.rand(1, 3, SIDE, SIDE), prompts()
    turned = replace(said, clicks=said.clicks * torch.tensor([1.0, 1.0, -1.0]))

    assert not torch.allclose(answer(network, images, said)[0], answer(network, images, turned)[0])


def test_every_weight_learns() -> None:
    torch.manual_seed(1)
    network = ClickNet(widths=(16, 16, 8, 8)).train()
    said = replace(prompts(), previous=torch.ones(1, 1, SIDE, SIDE))
    logits, quality = network.decode(network.encode(torch.rand(1, 3, SIDE, SIDE)), said)
    (logits.square().mean() + quality.square().mean()).backward()

    assert [name for name, value in network.named_parameters() if value.grad is None] == []
