"""Segment Anything's published sizes without their memory: on torch's device "meta" tensors are shapes."""

import pytest
import torch

from models.networks.sam import build_sam, import_segment_anything, random_state
from models.weights_files import WEIGHTS_FILES

SIZES = [file.name.removeprefix("sam-").replace("-", "_") for file in WEIGHTS_FILES]


@pytest.mark.parametrize("size", SIZES)
def test_a_state_dict_of_a_published_size_gives_the_published_network(size: str) -> None:
    with torch.device("meta"):
        published = import_segment_anything().sam_model_registry[size]()
        built = build_sam(random_state(size))

    assert str(built) == str(published)
    for block, other in zip(built.image_encoder.blocks, published.image_encoder.blocks, strict=True):
        assert block.window_size == other.window_size
        assert block.attn.num_heads == other.attn.num_heads
    assert built.image_encoder.img_size == published.image_encoder.img_size
    assert built.prompt_encoder.input_image_size == published.prompt_encoder.input_image_size
    assert built.mask_decoder.num_multimask_outputs == published.mask_decoder.num_multimask_outputs


def test_a_built_network_is_ready_to_be_asked() -> None:
    with torch.device("meta"):
        network = build_sam(random_state("vit_b"))

    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())
