"""How well a network in training does on crops of pictures that were held out."""

from __future__ import annotations

from itertools import islice

import torch

from models.networks.clicknet import ClickNet
from models.training.click_simulation import SimulatedPrompts
from models.training.crop_stream import Batch, CropStream

_BATCH_SIZE = 8


@torch.no_grad()
def mean_ious(network: ClickNet, stream: CropStream, *, n_crops: int, n_prompts: int) -> list[float]:
    """Mean IoU over objects after each prompt.

    Args:
        network: In evaluation mode.
        stream: Of held-out crops; the same crops and annotators each time.
        n_crops: How many crops are looked at.
        n_prompts: Prompts per object.

    Returns:
        One value in [0, 1] per number of prompts.
    """
    device = next(network.parameters()).device
    crops = iter(stream)
    totals, n_objects = torch.zeros(n_prompts), 0
    for start in range(0, n_crops, _BATCH_SIZE):
        batch = Batch.of(list(islice(crops, min(_BATCH_SIZE, n_crops - start)))).to(device)
        pyramid = [features[batch.owners] for features in network.encode(batch.inputs)]
        prompts = SimulatedPrompts(batch.objects, batch.valid, seed=start)
        masks = torch.zeros_like(batch.objects)
        for index in range(n_prompts):
            if index:
                prompts.click(masks)
            logits, _ = network.decode(pyramid, prompts.tensors(masks.float()))
            masks = logits > 0
            totals[index] += batch.ious(masks).sum().cpu()
        n_objects += len(batch.objects)
    return [float(total) / n_objects for total in totals]
