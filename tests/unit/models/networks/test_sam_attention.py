import pytest
import torch
from torch import nn

from models.networks.sam import import_segment_anything
from models.networks.sam_attention import Attention


@pytest.mark.parametrize("size_hw", [(5, 5), (4, 7), (1, 3)], ids=str)
@pytest.mark.parametrize("n_heads", [1, 4])
def test_the_answer_is_that_of_the_package(size_hw: tuple[int, int], n_heads: int) -> None:
    package = import_segment_anything().modeling.image_encoder
    torch.manual_seed(0)
    theirs = package.Attention(24, n_heads, use_rel_pos=True, input_size=size_hw)
    for parameter in theirs.parameters():
        nn.init.normal_(parameter)
    x = torch.randn(3, *size_hw, 24)
    with torch.inference_mode():
        torch.testing.assert_close(Attention(theirs)(x), theirs(x), rtol=1e-4, atol=1e-4)


def test_the_weights_keep_their_names() -> None:
    package = import_segment_anything().modeling.image_encoder
    theirs = package.Attention(24, 4, use_rel_pos=True, input_size=(5, 5))
    assert Attention(theirs).state_dict().keys() == theirs.state_dict().keys()
