"""A Segment Anything with random weights that is small enough for tests."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from models.networks.sam import import_segment_anything


def tiny_sam(seed: int = 0, *, side: int = 64) -> Any:
    """A `segment_anything.modeling.Sam` of two blocks, windowed and global, for side x side pixels."""
    modeling = import_segment_anything().modeling
    width, grid = 32, side // 16
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = modeling.Sam(
            modeling.ImageEncoderViT(
                img_size=side,
                embed_dim=24,
                depth=2,
                num_heads=3,
                out_chans=width,
                norm_layer=partial(nn.LayerNorm, eps=1e-6),
                use_rel_pos=True,
                window_size=2,
                global_attn_indexes=(1,),
            ),
            modeling.PromptEncoder(
                embed_dim=width,
                image_embedding_size=(grid, grid),
                input_image_size=(side, side),
                mask_in_chans=8,
            ),
            modeling.MaskDecoder(
                transformer_dim=width,
                transformer=modeling.TwoWayTransformer(depth=2, embedding_dim=width, num_heads=8, mlp_dim=48),
                iou_head_depth=3,
                iou_head_hidden_dim=16,
            ),
        )
        for parameter in network.parameters():
            if parameter.dim() > 1:  # larger than the package's, so that masks are neither empty nor full
                nn.init.normal_(parameter, std=0.3)
        estimate = network.mask_decoder.iou_prediction_head.layers[-1]
        nn.init.normal_(estimate.weight, std=0.02)  # predicted IoUs between 0 and 1
        nn.init.constant_(estimate.bias, 0.5)
    return network.eval()


def write_tiny_sam(path: Path, seed: int = 0) -> Path:
    """Save the state dict of `tiny_sam`."""
    torch.save(tiny_sam(seed).state_dict(), path)
    return path
