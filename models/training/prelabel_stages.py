"""The networks that one fit trains, one after the other, each kept so that a stopped fit can go on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import torch

from models.label_schema import LabelSchema
from models.networks.unet import UNet as Network
from models.prelabel.analysis import Analysis, Calibration, estimate_of, fit_calibration
from models.prelabel.asking import analysed, network_input, padded
from models.shipped_encoder import load_shipped_encoder
from models.state_dicts import load_weights, read_state_dict
from models.training.atomic_files import write_atomically
from models.training.early_stop import JUDGE_EVERY, EarlyStop, sample_dice
from models.training.fit_progress import FitProgress, Report
from models.training.prelabel_samples import Sample
from models.training.prelabel_split import fold_of
from models.training.prelabel_trainer import Plan, PrelabelTrainer, train_error_branch

_N_FOLDS = 2
_FOLDS, _FINAL = 0.45, 0.42
"""Shares of the time; the error branch has the rest."""
_MOST_KEPT = 24
"""Of so many pictures the gate can ask the folds."""
_STEPS_PER_SAMPLE = 12
_FEWEST_STEPS, _MOST_STEPS = 320, 4000
_ERROR_STEPS_PER_SAMPLE = 3
"""More teach the error branch its few examples by heart."""
_LONGER = 1.25
"""The final network learns from twice as many examples as a fold's."""


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """What is said about a sample by networks that have not learned from it.

    Attributes:
        key: Of the example.
        analysis: Of the fold's segmentation, judged by the final network's error branch; None when there
            are more samples than can be kept.
        estimate: See `estimate_of`; the novelty is that beside the samples of the other fold.
        dice: Its Dice coefficient at the working size; None if people were not asked for objects.
    """

    key: str
    analysis: Analysis | None
    estimate: float
    dice: float | None


class Stages:
    """Trains the networks of a fit.

    Args:
        samples: To learn from; at least one.
        schema: What the networks say.
        scratch: Where they are kept.
        budget_s: About how long all of it may take.
        seed: Of everything random.
        report: Told the progress.
        pretrained: Whether the encoder begins as it is shipped, or with random weights.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        schema: LabelSchema,
        scratch: Path,
        budget_s: float,
        seed: int,
        report: Report,
        *,
        pretrained: bool = True,
    ) -> None:
        self._pretrained = pretrained
        self._samples = samples
        self._schema = schema
        self._scratch = scratch
        self._budget_s = budget_s
        self._seed = seed
        self._report = report
        self.steps = max(_FEWEST_STEPS, min(_MOST_STEPS, _STEPS_PER_SAMPLE * len(samples)))
        self.out_of_fold: list[OutOfFold] = []
        self.folds: list[tuple[Network, list[str]]] = []
        """Networks with the keys of the samples that they have not learned from."""

    def train(self, start: Path | None) -> Network:
        """Train everything.

        Args:
            start: Weights to go on from; None begins with the shipped encoder.

        Returns:
            The final network, in eval mode, with its error branch.
        """
        folds = self._folds()
        self.folds = [(other, [sample.key for sample in asked]) for other, asked in folds]
        network = self._new_network()
        if start is not None:
            load_weights(network, start)
        self._trained(
            network, self._samples, "final", (_FOLDS, _FINAL), Plan(self.steps, self._budget_s * _FINAL)
        )
        self._error_branch(network, folds)
        if folds:
            self._ask(network, folds)
        network.remember(_embeddings(network, self._samples))
        return network.eval()

    def calibration(self) -> Calibration:
        """From what the trained network believes to what is reached on samples not learned from."""
        pairs = [(each.estimate, each.dice) for each in self.out_of_fold if each.dice is not None]
        return fit_calibration([estimate for estimate, _ in pairs], [dice for _, dice in pairs])

    def _folds(self) -> list[tuple[Network, list[Sample]]]:
        """Networks with the samples that they have not learned from."""
        places = fold_of([sample.group for sample in self._samples], _N_FOLDS)
        if len(self._samples) < _N_FOLDS or len(set(places)) < _N_FOLDS:
            return []
        folds = []
        made = []
        share = _FOLDS / _N_FOLDS
        for fold in range(_N_FOLDS):
            learned = [s for s, place in zip(self._samples, places, strict=True) if place != fold]
            asked = [s for s, place in zip(self._samples, places, strict=True) if place == fold]
            network = self._new_network()
            judge = EarlyStop(asked)
            plan = Plan(self.steps, self._budget_s * share)
            made.append(
                self._trained(network, learned, f"fold-{fold + 1}", (share * fold, share), plan, judge)
            )
            folds.append((network, asked))
        self.steps = max(JUDGE_EVERY, min(self.steps, round(_LONGER * max(made))))
        return folds

    def _trained(
        self,
        network: Network,
        samples: Sequence[Sample],
        name: str,
        part: tuple[float, float],
        plan: Plan,
        judge: EarlyStop | None = None,
    ) -> int:
        """Train a network in place, unless that was done before; returns the number of steps."""
        finished = self._scratch / f"{name}.safetensors"
        if finished.is_file():
            state = read_state_dict(finished)
            steps = int(state.pop("steps"))
            network.load_state_dict(state)
            network.eval()
            return steps
        checkpoint = self._scratch / f"{name}.pt"
        trainer = PrelabelTrainer(
            network,
            samples,
            self._schema,
            plan,
            seed=self._seed,
            checkpoint=checkpoint,
            report=self._reporter(f"training ({name})", part),
            pretrained=self._pretrained,
        )
        steps = trainer.run(judge)
        tensors = {name: value.contiguous() for name, value in network.state_dict().items()}
        write_atomically(finished, safetensors.torch.save({**tensors, "steps": torch.tensor(steps)}))
        checkpoint.unlink(missing_ok=True)
        return steps

    def _error_branch(self, network: Network, folds: Sequence[tuple[Network, list[Sample]]]) -> None:
        marked = [(other, [s for s in samples if s.is_marked]) for other, samples in folds]
        marked = [(other, samples) for other, samples in marked if samples]
        if not self._schema.classes or not marked:
            return
        share = 1 - _FOLDS - _FINAL
        train_error_branch(
            network,
            marked,
            Plan(min(self.steps, _ERROR_STEPS_PER_SAMPLE * len(self._samples)), self._budget_s * share),
            seed=self._seed,
            report=self._reporter("learning from mistakes", (1 - share, share)),
        )

    def _ask(self, network: Network, folds: Sequence[tuple[Network, list[Sample]]]) -> None:
        embeddings = [_embeddings(network, samples) for _, samples in folds]
        kept_keys = {sample.key for sample in self._samples[:_MOST_KEPT]}
        for number, (other, samples) in enumerate(folds):
            network.remember(torch.cat(embeddings[:number] + embeddings[number + 1 :]))
            for sample in samples:
                analysis = analysed(network, network_input(sample.image), self._schema, segmenter=other)
                dice = sample_dice(analysis, sample) if sample.is_marked else None
                kept = analysis if sample.key in kept_keys else None
                self.out_of_fold.append(OutOfFold(sample.key, kept, estimate_of(analysis), dice))

    def _new_network(self) -> Network:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self._seed)
            counts = [len(question.answers) for question in self._schema.questions]
            network = Network(len(self._schema.classes), counts)
        if self._pretrained:
            load_shipped_encoder(network.encoder)
        return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]

    def _reporter(self, stage: str, part: tuple[float, float]) -> Callable[[float], None]:
        start, share = part
        return lambda done: self._report(FitProgress(stage, start + share * done))


@torch.inference_mode()
def _embeddings(network: Network, samples: Sequence[Sample]) -> torch.Tensor:
    pictures = (network_input(sample.image)[None] for sample in samples)
    return torch.cat([network.embed(network.encode(padded(picture))) for picture in pictures])
