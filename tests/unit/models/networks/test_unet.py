import math

import pytest
import torch
from torch import Tensor

from models.networks.blocks import Context, Residual
from models.networks.unet import ProbabilityAttention, UNet, entropy, error_logits


def network(n_classes: int = 2, answers: tuple[int, ...] = (2, 3)) -> UNet:
    torch.manual_seed(0)
    return UNet(n_classes, answers)


def pictures(count: int = 2, height: int = 48, width: int = 64) -> Tensor:
    return torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(1)) * 2 - 1


def shares(*shape: int) -> Tensor:
    """Random probabilities over the second dimension."""
    return torch.rand(*shape, generator=torch.Generator().manual_seed(2)).mul(4).softmax(1)


@pytest.mark.parametrize("size_hw", [(16, 16), (16, 160), (48, 64)])
def test_outputs_have_the_promised_shapes(size_hw: tuple[int, int]) -> None:
    unet = network()
    height, width = size_hw
    pyramid = unet.encode(pictures(2, height, width))
    segmentation = unet.segment(pyramid)
    correction, quality = unet.errors(pyramid, segmentation.logits.softmax(1))

    assert segmentation.logits.shape == (2, 3, height // 2, width // 2)
    assert segmentation.depth.shape == (2, 1, height // 2, width // 2)
    assert [tuple(each.shape) for each in unet.answer(pyramid)] == [(2, 2), (2, 3)]
    assert correction.shape == (2, 1, height // 4, width // 4)
    assert quality.shape == (2,)
    assert unet.embed(pyramid).shape == (2, 416)


def test_a_picture_alone_gives_what_it_gives_among_others() -> None:
    unet = network().eval()
    together = unet.segment(unet.encode(pictures())).logits
    alone = unet.segment(unet.encode(pictures()[:1])).logits

    assert torch.allclose(together[:1], alone, atol=1e-4)


def test_without_classes_and_questions_there_is_only_background() -> None:
    unet = network(0, ())
    pyramid = unet.encode(pictures(1))

    assert unet.segment(pyramid).logits.shape[1] == 1
    assert unet.answer(pyramid) == []


def test_the_error_branch_does_not_change_what_it_judges() -> None:
    unet = network()
    pyramid = unet.encode(pictures())
    segmentation = unet.segment(pyramid)
    correction, quality = unet.errors(pyramid, segmentation.logits.softmax(1))
    (correction.sum() + quality.sum()).backward()
    reached = {name for name, p in unet.named_parameters() if p.grad is not None}

    assert reached
    assert all(name.startswith("errors.") for name in reached)


def test_before_it_learns_the_error_branch_believes_the_probabilities() -> None:
    unet = network()
    probabilities = shares(1, 3, 24, 32)
    correction, quality = unet.errors(unet.encode(pictures(1)), probabilities)
    errors = torch.sigmoid(error_logits(probabilities, correction))

    assert torch.allclose(errors, 1 - probabilities.amax(1, keepdim=True), atol=2e-3)
    assert torch.isfinite(quality).all()


@pytest.mark.parametrize("certain", [True, False])
def test_errors_are_finite_for_any_probabilities(*, certain: bool) -> None:
    probabilities = torch.zeros(1, 3, 8, 8)
    probabilities[:, 0] = 1
    if not certain:
        probabilities[:] = 1 / 3

    assert torch.isfinite(error_logits(probabilities, torch.zeros(1, 1, 4, 4))).all()


def attention(width: int = 8) -> ProbabilityAttention:
    torch.manual_seed(3)
    return ProbabilityAttention(width, 3)


def known(probabilities: Tensor) -> Tensor:
    return torch.cat([probabilities, entropy(probabilities)], 1)


def test_attention_weighs_between_a_half_and_three() -> None:
    values = torch.ones(2, 8, 12, 10)
    weights = attention()(values, known(shares(2, 3, 12, 10)))

    assert weights.shape == values.shape
    assert 0.5 < weights.min() < weights.max() < 3


def test_attention_weighs_by_place_and_by_channel() -> None:
    values = torch.rand(1, 8, 12, 10) + 0.5
    weights = attention()(values, known(shares(1, 3, 12, 10))) / values
    by_channel = weights / weights[:, :1]

    assert torch.allclose(by_channel, by_channel[:, :, :1, :1].expand_as(by_channel), atol=1e-5)
    assert by_channel[0, :, 0, 0].std() > 0
    assert weights[0, 0].std() > 0


def test_the_weight_of_a_place_follows_from_the_probabilities_around_it() -> None:
    values = torch.ones(1, 8, 20, 20)
    probabilities = shares(1, 3, 20, 20)
    changed = probabilities.clone()
    changed[:, :, :4, :4] = changed[:, :, :4, :4].flip(1)
    layer = attention()
    place, other = (torch.sigmoid(layer.place(known(each))) for each in (probabilities, changed))

    assert torch.equal(place[..., 8:, 8:], other[..., 8:, 8:])
    assert not torch.equal(place[..., :4, :4], other[..., :4, :4])
    assert torch.isfinite(layer(values, known(changed))).all()


def test_an_absent_class_does_not_break_attention() -> None:
    probabilities = torch.zeros(1, 3, 6, 6)
    probabilities[:, 0] = 1

    assert torch.isfinite(attention()(torch.rand(1, 8, 6, 6), known(probabilities))).all()


@pytest.mark.parametrize("n_channels", [1, 2, 5])
def test_entropy_is_none_for_the_sure_and_one_for_the_undecided(n_channels: int) -> None:
    sure = torch.zeros(1, n_channels, 4, 4)
    sure[:, 0] = 1
    undecided = torch.full((1, n_channels, 4, 4), 1 / n_channels)

    assert entropy(sure).abs().max() < 1e-4
    assert entropy(undecided).mean() == pytest.approx(0 if n_channels == 1 else 1, abs=1e-4)
    assert entropy(shares(1, n_channels, 9, 9)).shape == (1, 1, 9, 9)


def test_embeddings_have_length_one_and_what_is_remembered_is_not_new() -> None:
    unet = network().eval()
    embeddings = unet.embed(unet.encode(pictures(5)))
    unet.remember(embeddings[:3])

    assert torch.allclose(embeddings.norm(dim=1), torch.ones(5), atol=1e-5)
    assert unet.novelty(embeddings[:3]).abs().max() < 1e-5
    assert (unet.novelty(-embeddings) <= 2 + 1e-5).all()
    assert (unet.novelty(-embeddings[:3]) > 1).all()


@pytest.mark.parametrize("count", [1, 256, 1000])
def test_of_too_many_pictures_evenly_chosen_ones_are_remembered(count: int) -> None:
    unet = network()
    unet.remember(torch.arange(count)[:, None].float().expand(-1, 416))
    rows = unet.remembered[:, 0]

    assert len(rows) == 256
    assert rows[0] == 0
    assert rows[-1] >= count - math.ceil(count / 256)
    assert len(rows.unique()) == min(count, 256)


def test_the_questions_have_weights_of_their_own() -> None:
    with_questions, without = network(1, (4,)), network(1, ())
    extra = with_questions.state_dict().keys() - without.state_dict().keys()

    assert extra == {"answers.weight", "answers.bias"}


@pytest.mark.parametrize("size_hw", [(1, 1), (1, 7), (5, 4)])
def test_blocks_keep_the_shape(size_hw: tuple[int, int]) -> None:
    values = torch.rand(2, 16, *size_hw)

    assert Residual(16)(values).shape == Context(16)(values).shape == values.shape


def test_the_context_lets_a_far_corner_be_felt() -> None:
    torch.manual_seed(0)
    context = Context(16)
    values = torch.rand(1, 16, 40, 40)
    changed = values.clone()
    changed[..., -1, -1] += 50

    assert not torch.equal(context(values)[..., 0, 0], context(changed)[..., 0, 0])
