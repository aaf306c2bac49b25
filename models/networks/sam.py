"""Segment Anything's network, built to fit a checkpoint, from the package segment-anything.

The package is an extra, so it is imported when it is needed. It imports torchvision, of which nothing is used
here.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from models.errors import MissingExtraError, WeightsError
from models.networks.sam_attention import Attention

_DECODER_HEADS = 8
"""Attention heads of the mask decoder; the one number that the shapes of the weights do not tell."""
_LAYER_NORM_EPSILON = 1e-6
_NMS = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


def build_sam(state: Mapping[str, Tensor]) -> Any:
    """Build the network that a state dict belongs to, whatever its size.

    Args:
        state: Of ViT-B, ViT-L, ViT-H or another size; used by the network, not copied.

    Returns:
        A `segment_anything.modeling.Sam` in evaluation mode, float32. The package has no type information.

    Raises:
        MissingExtraError: The package is not installed.
        WeightsError: The state belongs to something else.
    """
    modeling = import_segment_anything().modeling
    try:
        # On the device "meta" nothing is initialised: for ViT-H that alone would take seconds and gigabytes.
        with torch.device("meta"):
            network = modeling.Sam(_encoder(modeling, state), *_prompt_parts(modeling, state))
        network.load_state_dict(state, assign=True)
    except KeyError as error:
        raise WeightsError(
            f"There is no {error} in these weights; they are not Segment Anything's."
        ) from error
    except (RuntimeError, ValueError, IndexError, ZeroDivisionError, AssertionError) as error:
        raise WeightsError(f"These weights do not fit Segment Anything: {error}") from error
    return network.float().requires_grad_(False).eval()


def random_state(size: str) -> dict[str, Tensor]:
    """A state dict of a published size with random values, as fast as the published one.

    Args:
        size: "vit_b", "vit_l" or "vit_h".

    Raises:
        MissingExtraError: The package is not installed.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        state: dict[str, Tensor] = import_segment_anything().sam_model_registry[size]().state_dict()
    return state


def import_segment_anything() -> Any:
    """Import the package.

    Raises:
        MissingExtraError: It is not installed.
    """
    torchvision = importlib.util.find_spec("torchvision")
    if torchvision is None or torchvision.origin is None or not importlib.util.find_spec("segment_anything"):
        raise MissingExtraError("The interactive model sam", extra="sam")
    _define_missing_operators(Path(torchvision.origin).parent)
    import segment_anything.modeling

    return segment_anything


def _define_missing_operators(torchvision: Path) -> None:
    """Let torchvision be imported where its compiled part does not fit torch.

    So it is with PyPI's torchvision, which is compiled for CUDA, beside a torch without. Its Python part then
    still describes these two operators, and fails if they are not even declared.
    """
    for compiled in torchvision.glob("_C*.*"):
        try:
            torch.ops.load_library(compiled)
        except OSError:
            continue
    for operator in ("nms", "qnms"):
        if not hasattr(torch.ops.torchvision, operator):
            torch.library.define(f"torchvision::{operator}", _NMS)


def _encoder(modeling: Any, state: Mapping[str, Tensor]) -> Any:
    """The image encoder; all its numbers are in the shapes of the weights."""
    grid, width = state["image_encoder.pos_embed"].shape[2:]
    patch = state["image_encoder.patch_embed.proj.weight"].shape[-1]
    depth = _count(state, "image_encoder.blocks")
    # Relative positions: one table row for each distance, from 1 - side to side - 1.
    tables = [state[f"image_encoder.blocks.{block}.attn.rel_pos_h"].shape for block in range(depth)]
    sides = [(rows + 1) // 2 for rows, _ in tables]
    encoder = modeling.ImageEncoderViT(
        img_size=grid * patch,
        patch_size=patch,
        embed_dim=width,
        depth=depth,
        num_heads=width // tables[0][1],
        mlp_ratio=state["image_encoder.blocks.0.mlp.lin1.weight"].shape[0] / width,
        out_chans=state["image_encoder.neck.0.weight"].shape[0],
        norm_layer=partial(nn.LayerNorm, eps=_LAYER_NORM_EPSILON),
        use_rel_pos=True,
        window_size=min(sides),
        global_attn_indexes=[block for block, side in enumerate(sides) if side == grid],
    )
    for block in encoder.blocks:
        block.attn = Attention(block.attn)
    return encoder


def _prompt_parts(modeling: Any, state: Mapping[str, Tensor]) -> tuple[nn.Module, nn.Module]:
    """The prompt encoder and the mask decoder."""
    grid = state["image_encoder.pos_embed"].shape[2]
    side = grid * state["image_encoder.patch_embed.proj.weight"].shape[-1]
    width = state["prompt_encoder.no_mask_embed.weight"].shape[1]
    prompts = modeling.PromptEncoder(
        embed_dim=width,
        image_embedding_size=(grid, grid),
        input_image_size=(side, side),
        mask_in_chans=state["prompt_encoder.mask_downscaling.3.weight"].shape[0],
    )
    decoder = modeling.MaskDecoder(
        transformer_dim=width,
        transformer=modeling.TwoWayTransformer(
            depth=_count(state, "mask_decoder.transformer.layers"),
            embedding_dim=width,
            num_heads=_DECODER_HEADS,
            mlp_dim=state["mask_decoder.transformer.layers.0.mlp.lin1.weight"].shape[0],
        ),
        num_multimask_outputs=state["mask_decoder.mask_tokens.weight"].shape[0] - 1,
        iou_head_depth=_count(state, "mask_decoder.iou_prediction_head.layers"),
        iou_head_hidden_dim=state["mask_decoder.iou_prediction_head.layers.0.weight"].shape[0],
    )
    return prompts, decoder


def _count(state: Mapping[str, Tensor], prefix: str) -> int:
    """Number of the layers "prefix.0.*", "prefix.1.*", ..."""
    numbers = {key[len(prefix) + 1 :].split(".")[0] for key in state if key.startswith(f"{prefix}.")}
    return len(numbers)
