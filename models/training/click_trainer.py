"""The training loop of ClickNet: simulated annotators click on what the network got wrong."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn import functional

from models.errors import TrainingRunError
from models.losses import dice_loss, normalized_focal_loss
from models.networks.clicknet import ClickNet
from models.state_dicts import UNREADABLE
from models.training.atomic_files import write_atomically
from models.training.click_simulation import SimulatedPrompts, coarsened
from models.training.crop_stream import Batch

_SHORT_CHAIN = 3
_LONG_CHAIN = 12
"""Most refinements of an object in a short and in a long chain."""
_LONG_SHARE = 0.35
"""Share of long chains: what many clicks could not mend is learned there."""
_SECOND_LOOK_SHARE = 0.15
_COARSEST = 8
_QUALITY_WEIGHT = 0.2
_LONGEST_AVERAGE = 0.998
_GRADIENT_NORM = 1.0


@dataclass(frozen=True)
class StepReport:
    """Means over the objects of one batch.

    Attributes:
        loss: As minimised.
        first_iou: After the first prompt.
        last_iou: After the last one.
    """

    loss: float
    first_iou: float
    last_iou: float


class ClickTrainer:
    """A network in training: its optimiser, its averaged weights and the number of steps taken.

    Of each batch the answer to the first prompt and the one after a random number of refinements are learned
    from. Several processes may train together: with `torch.distributed` set up, gradients are averaged.

    Source: iterative training as in Sofiiuk et al., "Reviving iterative training with mask guidance", ICIP
    2022, section 3.3; averaged weights as in Polyak and Juditsky, 1992.

    Args:
        network: Trained in place.
        learning_rate: Of the decoder, at its highest.
        encoder_factor: The encoder's, in units of the decoder's; 0 leaves the encoder as it is.
        seed: Of the simulated annotators.
        warm_up_steps: Steps until the learning rate is at its highest.
    """

    def __init__(
        self,
        network: ClickNet,
        *,
        learning_rate: float,
        encoder_factor: float = 0.0,
        seed: int = 0,
        warm_up_steps: int = 100,
    ) -> None:
        self.network: ClickNet = network.train().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.step_count = 0
        self._learning_rate = learning_rate
        self._seed = seed
        self._warm_up_steps = warm_up_steps
        network.encoder.requires_grad_(encoder_factor > 0)
        encoder = [p for p in network.encoder.parameters() if p.requires_grad]
        decoder = [p for name, p in network.named_parameters() if not name.startswith("encoder.")]
        groups: list[dict[str, Any]] = [{"params": decoder, "factor": 1.0}]
        if encoder:
            groups.append({"params": encoder, "factor": encoder_factor})
        self._parameters = [*decoder, *encoder]
        self._optimizer = torch.optim.AdamW(groups, weight_decay=1e-4, fused=True)
        self._average = {name: value.detach().clone() for name, value in network.state_dict().items()}

    @property
    def averaged_weights(self) -> dict[str, Tensor]:
        """Exponential average of the weights over the last steps: what is used and shipped."""
        return self._average

    def step(self, batch: Batch, *, progress: float) -> StepReport:
        """Learn from a batch.

        Args:
            batch: On the network's device.
            progress: How much of the training is done, in [0, 1]; the learning rate falls with it.
        """
        self._set_learning_rate(progress)
        rng = np.random.default_rng([self._seed, self.step_count, _rank()])
        first, last = self._answers(batch, rng)
        loss = (first[0] + last[0]) / 2
        self._optimizer.zero_grad()
        loss.backward()
        self._share_gradients()
        torch.nn.utils.clip_grad_norm_(self._parameters, _GRADIENT_NORM)
        self._optimizer.step()
        self.step_count += 1
        self._update_average()
        return StepReport(loss.item(), first[1], last[1])

    def save(self, path: Path, spent_s: float) -> None:
        """Write all that is needed to go on, and the seconds spent so far, in one atomic step.

        Raises:
            TrainingRunError: It cannot be written; what was saved before is still there.
        """
        state = {
            "network": self.network.state_dict(),
            "average": self._average,
            "optimizer": self._optimizer.state_dict(),
            "step_count": self.step_count,
            "spent_s": spent_s,
        }
        buffer = io.BytesIO()
        torch.save(state, buffer)
        write_atomically(path, buffer.getvalue())

    def restore(self, path: Path) -> float:
        """Go on where `save` was called; returns the seconds spent until then.

        Raises:
            TrainingRunError: The file is damaged, or of another network or optimiser.
        """
        try:
            state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
            self.network.load_state_dict(state["network"])
            self._optimizer.load_state_dict(state["optimizer"])
            for name, value in self._average.items():
                value.copy_(state["average"][name])
            self.step_count = state["step_count"]
            return float(state["spent_s"])
        except UNREADABLE as error:
            raise TrainingRunError(
                f"{path} is no checkpoint of this run. Delete it to begin again, "
                "with --init if there are weights."
            ) from error

    def _answers(
        self, batch: Batch, rng: np.random.Generator
    ) -> tuple[tuple[Tensor, float], tuple[Tensor, float]]:
        """Loss and mean IoU after the first prompt, and after the last."""
        with torch.set_grad_enabled(next(self.network.encoder.parameters()).requires_grad):
            pyramid = [features[batch.owners] for features in self.network.encode(batch.inputs)]
        prompts = SimulatedPrompts(batch.objects, batch.valid, seed=int(rng.integers(2**62)))
        previous = torch.zeros_like(batch.objects, dtype=torch.float32)
        logits, quality = self.network.decode(pyramid, prompts.tensors(previous))
        first = _loss(logits, quality, batch)
        n_refinements = _chain_length(rng)
        for remaining in reversed(range(n_refinements)):
            masks = logits.detach() > 0
            prompts.click(masks)
            previous = masks.float()
            if remaining:
                with torch.no_grad():
                    logits, _ = self.network.decode(pyramid, prompts.tensors(previous))
        if n_refinements == 0 or rng.random() < _SECOND_LOOK_SHARE:
            previous = coarsened(logits.detach() > 0, int(rng.integers(2, _COARSEST)))
        return first, _loss(*self.network.decode(pyramid, prompts.tensors(previous)), batch)

    def _set_learning_rate(self, progress: float) -> None:
        warm = min(1.0, (self.step_count + 1) / self._warm_up_steps)
        rate = self._learning_rate * warm * max(0.0, 1 - progress) ** 0.9
        for group in self._optimizer.param_groups:
            group["lr"] = rate * group["factor"]

    def _share_gradients(self) -> None:
        if not dist.is_initialized():
            return
        gradients = [p.grad for p in self._parameters if p.grad is not None]
        flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
        dist.all_reduce(flat)
        flat /= dist.get_world_size()
        for gradient, part in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
            gradient.copy_(part.view_as(gradient))

    @torch.no_grad()
    def _update_average(self) -> None:
        decay = min(_LONGEST_AVERAGE, self.step_count / (self.step_count + 20))
        for name, value in self.network.state_dict().items():
            self._average[name].lerp_(value, 1 - decay)


def _chain_length(rng: np.random.Generator) -> int:
    """How many clicks follow the first prompt."""
    if rng.random() < _LONG_SHARE:
        return int(rng.integers(_SHORT_CHAIN + 1, _LONG_CHAIN + 1))
    return int(rng.integers(_SHORT_CHAIN + 1))


def _rank() -> int:
    return dist.get_rank() if dist.is_initialized() else 0


def _loss(logits: Tensor, quality: Tensor, batch: Batch) -> tuple[Tensor, float]:
    weight, truth = batch.valid.float(), batch.objects.float()
    iou = batch.ious(logits.detach() > 0)
    losses = normalized_focal_loss(logits, truth, weight) + dice_loss(logits, truth, weight)
    losses = losses + _QUALITY_WEIGHT * functional.binary_cross_entropy_with_logits(
        quality, iou, reduction="none"
    )
    return losses.mean(), float(iou.mean())
