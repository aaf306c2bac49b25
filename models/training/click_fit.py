"""One fit of a project's click model: from outlined objects to weights and the gate's decision."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from safetensors.torch import save

from models.errors import TooFewExamplesError
from models.interactive.clicknet import WEIGHTS as SHIPPED
from models.interactive.clicknet import ClickNetModel
from models.networks.clicknet import ClickNet
from models.state_dicts import load_weights
from models.training.atomic_files import write_atomically
from models.training.click_gate import FEWEST_JUDGED, judge_clicks
from models.training.click_pictures import ProjectPictures, outlined
from models.training.click_run import half_precision
from models.training.click_trainer import ClickTrainer
from models.training.crop_stream import Batch, CropStream
from models.training.effort import Effort
from models.training.examples import Example
from models.training.fit_progress import FitProgress, Report
from models.training.prelabel_fit import FitOutcome
from models.training.prelabel_split import split
from models.training.recipe import Mixture

__all__ = ["FEWEST_OBJECTS", "ClickTraining", "count_objects", "fit_click_model"]

FEWEST_OBJECTS = 50
"""A project with fewer outlined objects keeps the shipped model."""
MODEL, WEIGHTS, DESCRIPTION = "model", "weights.safetensors", "network.json"

_SIDE = 192
"""Of the crops, as the interactive model looks at pictures."""
_WARM_UP_STEPS = 20
_STEPS_PER_OBJECT = 8
_MIXTURE = Mixture(drawn_share=0.15, paste_share=0.1)
"""Drawn objects keep alive what the project's own do not need: other projects' objects may appear in it."""
_READ, _TRAINED = 0.05, 0.7
"""Shares of the whole when the pictures are read, and when the network is trained."""
_CHECKPOINT = "click-training.pt"


@dataclass(frozen=True)
class ClickTraining:
    """How a click model is trained and judged.

    Attributes:
        batch_size: Crops per step.
        learning_rate: At its highest.
        most_steps: However many objects there are; with few it makes 8 steps for each.
        save_every_s: Seconds of training that are lost at most when the process is killed.
        most_judged: Held-out objects that decide.
    """

    batch_size: int = 4
    learning_rate: float = 3e-4
    most_steps: int = 2000
    save_every_s: float = 10.0
    most_judged: int = 40


def count_objects(examples: Sequence[Example]) -> int:
    """Number of objects whose outline somebody drew."""
    return sum(len(outlined(example)) for example in examples)


def fit_click_model(
    examples: Sequence[Example],
    scratch: Path,
    *,
    active: Path | None,
    budget_s: float,
    seed: int,
    report: Report,
    shipped: Path = SHIPPED,
    how: ClickTraining = ClickTraining(),
) -> FitOutcome:
    """Train ClickNet's decoder on a project's objects, and judge it.

    The encoder stays as it is. The training begins from the weights in use.

    Args:
        examples: Annotated pictures. Those that cannot be read are left out.
        scratch: Folder of this fit alone. Called again with the same arguments after the process was killed,
            the fit goes on with what lies there.
        active: Folder of the project's model in use; None if that is the shipped one.
        budget_s: About how long it may take; half as long again where others use the cores.
        seed: Of everything random; the same seed gives the same model only if the time does not run out.
        report: Told the progress; what it raises ends the fit and passes through.
        shipped: Weights that projects without a model of their own use.
        how: Sizes of the training.

    Returns:
        The outcome; its metrics say how many objects there were (`objects`) and the mean clicks (`noc`).

    Raises:
        TooFewExamplesError: There are too few outlined objects to learn from or to judge by.
        TrainingRunError: The scratch folder cannot be written or is damaged.
        WeightsError: The weights in use cannot be read.
    """
    learned, held_out = split(examples)
    _check_enough(examples, held_out)
    folder = scratch / MODEL
    folder.mkdir(parents=True, exist_ok=True)
    start = shipped if active is None else active / WEIGHTS
    if not (folder / DESCRIPTION).is_file():
        reading, training = _stage(report, "reading", 0, _READ), _stage(report, "training", _READ, _TRAINED)
        pictures = ProjectPictures(learned, seed=seed, report=reading)
        trainer = ClickTrainer(
            _network(start), learning_rate=how.learning_rate, seed=seed, warm_up_steps=_WARM_UP_STEPS
        )
        _train(
            trainer,
            CropStream(pictures, _MIXTURE, side=_SIDE, seed=seed),
            scratch / _CHECKPOINT,
            n_steps=min(how.most_steps, _STEPS_PER_OBJECT * count_objects(learned)),
            budget_s=budget_s * (_TRAINED - _READ),
            how=how,
            report=training,
        )
        _write(trainer, pictures, folder)
        (scratch / _CHECKPOINT).unlink(missing_ok=True)
    gate, clicks = judge_clicks(
        folder / WEIGHTS,
        held_out,
        shipped=shipped,
        active=None if active is None else start,
        budget_s=budget_s * (1 - _TRAINED),
        most_objects=how.most_judged,
        report=_stage(report, "comparing clicks", _TRAINED, 1.0),
    )
    facts = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
    trained_on = tuple(facts.pop("trained_on"))
    metrics = {**facts, "objects": count_objects(examples), "noc": clicks}
    report(FitProgress("done", 1.0))
    return FitOutcome(folder, gate, trained_on, tuple(each.key for each in held_out), metrics)


def _stage(report: Report, stage: str, start: float, end: float) -> Callable[[float], None]:
    """Report a part of the whole."""
    return lambda done: report(FitProgress(f"click model: {stage}", start + (end - start) * done))


def _check_enough(examples: Sequence[Example], held_out: Sequence[Example]) -> None:
    n_objects = count_objects(examples)
    if n_objects < FEWEST_OBJECTS:
        raise TooFewExamplesError(
            f"A project's click model needs {FEWEST_OBJECTS} outlined objects, boxes left out; there are "
            f"{n_objects}."
        )
    if count_objects(held_out) < FEWEST_JUDGED:
        raise TooFewExamplesError(
            f"A click model is judged by {FEWEST_JUDGED} or more objects in pictures that it has not learned "
            f"from; there are {count_objects(held_out)} of {n_objects}. Annotate more pictures."
        )


def _network(weights: Path) -> ClickNet:
    network = ClickNet()
    load_weights(network, weights)
    return network


def _train(
    trainer: ClickTrainer,
    stream: CropStream,
    checkpoint: Path,
    *,
    n_steps: int,
    budget_s: float,
    how: ClickTraining,
    report: Callable[[float], None],
) -> None:
    """Train, or go on training, until the steps are made or the time is over."""
    spent = saved = trainer.restore(checkpoint) if checkpoint.is_file() else 0.0
    while (done := max(trainer.step_count / n_steps, spent / budget_s)) < 1:
        report(done)
        effort = Effort()
        crops = stream.draw_for(trainer.step_count, how.batch_size)
        trainer.step(Batch.of(crops), progress=done)
        spent += effort.seconds()
        if spent - saved >= how.save_every_s:
            trainer.save(checkpoint, spent)
            saved = spent


def _write(trainer: ClickTrainer, pictures: ProjectPictures, folder: Path) -> None:
    """Save the model; once its description is there it is complete."""
    write_atomically(folder / WEIGHTS, save(half_precision(trainer.averaged_weights)))
    facts = {"network": ClickNetModel.name, "trained_on": pictures.keys, "steps": trainer.step_count}
    write_atomically(folder / DESCRIPTION, json.dumps({**facts, "unreadable": pictures.problems}).encode())
