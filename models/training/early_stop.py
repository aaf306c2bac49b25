"""When the training of a pre-labeller's network has brought what it can."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from models.networks.unet import UNet
from models.prelabel.analysis import Segments
from models.prelabel.asking import network_input, segments_of
from models.training.prelabel_losses import dice_per_picture
from models.training.prelabel_samples import Sample

JUDGE_EVERY = 40
"""Steps."""
_PATIENCE = 3
_MOST_JUDGED = 12
"""By so many pictures it decides."""
_LEAST_GAIN = 1e-3


class EarlyStop:
    """Ends a training when samples that it does not learn from are no longer segmented better.

    Only samples with objects count, and nothing ends before one is found: where most pictures are empty, a
    network that never finds anything would seem good from the first step on.

    Args:
        samples: The training does not learn from them.
    """

    def __init__(self, samples: Sequence[Sample]) -> None:
        self._samples = [sample for sample in samples if sample.shows_objects][:_MOST_JUDGED]
        self._best = 0.0
        self._waited = 0

    def __call__(self, network: UNet, step: int) -> bool:
        """Whether the training is to end.

        Args:
            network: Being trained; is in training mode again afterwards.
            step: How many steps it has made.
        """
        if step % JUDGE_EVERY or not self._samples:
            return False
        network.eval()
        said = [segments_of(network, network_input(sample.image)) for sample in self._samples]
        network.train()
        pairs = zip(said, self._samples, strict=True)
        score = sum(sample_dice(segments, sample) for segments, sample in pairs) / len(said)
        is_better = score > self._best + _LEAST_GAIN
        self._best = max(self._best, score)
        self._waited = 0 if is_better or not self._best else self._waited + 1
        return self._waited > _PATIENCE


def sample_dice(segments: Segments, sample: Sample) -> float:
    """Mean Dice coefficient over the classes that are there or said to be; 1 if there are none.

    Args:
        segments: What is said.
        sample: The truth, (h, w).
    """
    truth = torch.from_numpy(sample.classes).long()[None]
    said = torch.from_numpy(segments.winner)[None]
    return float(dice_per_picture(said, truth, len(segments.probabilities))[0])
