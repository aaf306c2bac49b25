"""The training loop of a pre-labeller's network."""

from __future__ import annotations

import io
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from models.errors import TrainingRunError
from models.label_schema import LabelSchema
from models.networks.unet import UNet
from models.state_dicts import UNREADABLE
from models.training.atomic_files import write_atomically
from models.training.effort import Effort
from models.training.prelabel_batches import draw_batch
from models.training.prelabel_losses import error_loss, segmentation_loss
from models.training.prelabel_samples import Sample

_BATCH = 4
_WHOLE = 256
_CROP = 160
"""Side of the crops that teach objects: in the same time as with 256 pixels there are twice as many steps."""
_ON_OBJECTS = 0.5
_LEARNING_RATE = 2e-3
_ERROR_LEARNING_RATE = 1e-3
_ENCODER_FACTOR = 0.1
_FROZEN_BLOCKS = 4
"""The first blocks of the encoder see edges and colours, which are the same everywhere."""
_WARM_UP = 0.08
_GRADIENT_NORM = 1.0
_SAVE_EVERY_S = 10.0

Judge = Callable[[UNet, int], bool]
"""Told the network and the number of steps; says whether to stop."""


@dataclass(frozen=True)
class Plan:
    """How long to train.

    Attributes:
        steps: Most steps.
        seconds: Most time, see `Effort`; the learning rate falls to zero with whichever runs out first.
    """

    steps: int
    seconds: float


class PrelabelTrainer:
    """Trains one network on samples, and goes on where a stopped process was.

    Args:
        network: Trained in place.
        samples: To learn from; at least one.
        schema: What the network says.
        plan: How long.
        seed: Of batches and changes.
        checkpoint: File of the state; None saves nothing.
        report: Told the share that is done, in [0, 1]; what it raises ends the training.
        pretrained: Whether the encoder is worth keeping: its first blocks then stay as they are, and the
            others learn slowly.
    """

    def __init__(
        self,
        network: UNet,
        samples: Sequence[Sample],
        schema: LabelSchema,
        plan: Plan,
        *,
        seed: int,
        checkpoint: Path | None,
        report: Callable[[float], None],
        pretrained: bool = True,
    ) -> None:
        self._network = network
        self._samples = samples
        self._schema = schema
        self._plan = plan
        self._seed = seed
        self._checkpoint = checkpoint
        self._report = report
        self._step = 0
        self._seconds = 0.0
        self._crop = crop_side(samples, _WHOLE if schema.questions else _CROP)
        for index, block in enumerate(network.encoder.blocks):
            block.requires_grad_(index >= _FROZEN_BLOCKS or not pretrained)
        encoder = [p for p in network.encoder.parameters() if p.requires_grad]
        others = [p for name, p in network.named_parameters() if not name.startswith(("encoder.", "errors."))]
        self._optimizer = torch.optim.AdamW(
            [
                {"params": others, "factor": 1.0},
                {"params": encoder, "factor": _ENCODER_FACTOR if pretrained else 1.0},
            ],
            lr=_LEARNING_RATE,
            weight_decay=1e-4,
            fused=True,
        )

    def run(self, judge: Judge | None = None) -> int:
        """Train until the plan is fulfilled or the judge says stop.

        Returns:
            The number of steps made.

        Raises:
            TrainingRunError: The state cannot be saved.
        """
        self._restore()
        self._network.train()
        saved = time.monotonic()
        while (done := self._done()) < 1:
            self._report(done)
            effort = Effort()
            self._one_step(done)
            stop = judge is not None and judge(self._network, self._step)
            self._seconds += effort.seconds()
            if stop:
                break
            if self._checkpoint is not None and time.monotonic() - saved > _SAVE_EVERY_S:
                self._save(self._checkpoint)
                saved = time.monotonic()
        self._network.eval()
        self._report(1.0)
        return self._step

    def _done(self) -> float:
        return max(self._step / self._plan.steps, self._seconds / self._plan.seconds)

    def _one_step(self, done: float) -> None:
        rng = np.random.default_rng((self._seed, self._step))
        batch = draw_batch(self._samples, _BATCH, self._crop, rng, on_objects=_ON_OBJECTS)
        rate = _decayed(_LEARNING_RATE, done)
        for group in self._optimizer.param_groups:
            group["lr"] = rate * group["factor"]
        self._optimizer.zero_grad(set_to_none=True)
        loss = segmentation_loss(self._network, self._network.encode(batch.images), batch, self._schema)
        loss.backward()
        nn.utils.clip_grad_norm_(self._network.parameters(), _GRADIENT_NORM)
        self._optimizer.step()
        self._step += 1

    def _save(self, path: Path) -> None:
        state = {
            "network": self._network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "step": self._step,
            "seconds": self._seconds,
        }
        buffer = io.BytesIO()
        torch.save(state, buffer)
        write_atomically(path, buffer.getvalue())

    def _restore(self) -> None:
        if self._checkpoint is None or not self._checkpoint.is_file():
            return
        try:
            state = torch.load(self._checkpoint, map_location="cpu", weights_only=True)
            self._network.load_state_dict(state["network"])
            self._optimizer.load_state_dict(state["optimizer"])
            self._step, self._seconds = int(state["step"]), float(state["seconds"])
        except UNREADABLE as error:
            raise TrainingRunError(
                f"{self._checkpoint} is damaged ({error}); delete it to begin this training again."
            ) from error


def crop_side(samples: Sequence[Sample], most: int) -> int:
    """Side of the crops in pixels: what holds the whole pictures, but no more than `most`."""
    longest = max(max(sample.image.shape[:2]) for sample in samples)
    return min(most, -(-longest // 32) * 32)


def train_error_branch(
    network: UNet,
    folds: Sequence[tuple[UNet, Sequence[Sample]]],
    plan: Plan,
    *,
    seed: int,
    report: Callable[[float], None],
) -> None:
    """Teach the second branch of a network where networks like it go wrong.

    Each fold's network is asked about the samples that it has not learned from: on its own training pictures
    a network hardly makes mistakes.

    Args:
        network: Its error branch is trained in place; the rest stays as it is.
        folds: Networks, and the samples that they have not seen.
        plan: How long.
        seed: Of batches and changes.
        report: As in `PrelabelTrainer`.
    """
    branch = network.errors.train()
    optimizer = torch.optim.AdamW(branch.parameters(), lr=_ERROR_LEARNING_RATE, weight_decay=1e-2, fused=True)
    effort = Effort()
    step, done = 0, 0.0
    while done < 1:
        report(done)
        rng = np.random.default_rng((seed, step))
        other, samples = folds[step % len(folds)]
        batch = draw_batch(samples, _BATCH, crop_side(samples, _WHOLE), rng, hard=step % 3 == 0)
        with torch.no_grad():
            pyramid = network.encode(batch.images)
            probabilities = other.segment(other.encode(batch.images)).logits.softmax(1)
        for group in optimizer.param_groups:
            group["lr"] = _decayed(_ERROR_LEARNING_RATE, done)
        optimizer.zero_grad(set_to_none=True)
        loss, _ = error_loss(network, pyramid, probabilities, batch.classes)
        loss.backward()
        nn.utils.clip_grad_norm_(branch.parameters(), _GRADIENT_NORM)
        optimizer.step()
        step += 1
        done = max(step / plan.steps, effort.seconds() / plan.seconds)
    branch.eval()
    report(1.0)


def _decayed(rate: float, done: float) -> float:
    """The learning rate at a share of the training; a plain float, since a checkpoint takes no NumPy ones."""
    return rate * min(1.0, (done + 1e-3) / _WARM_UP) * 0.5 * (1 + math.cos(math.pi * done))
