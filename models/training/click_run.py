"""A training run of ClickNet: a folder that can be stopped at any time and gone on with.

The folder holds `checkpoint.pt` to go on from, `clicknet.safetensors` to use, `run.json` with the options,
`logs` that TensorBoard reads (if tensorboardX is installed), and `validation.json` once the run is finished.
On CPUs several processes of one thread each are much faster than one process of several threads when anything
else runs on the machine.
"""

from __future__ import annotations

import json
import multiprocessing
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist
from safetensors.torch import save
from torch import Tensor
from torch.utils.data import DataLoader

from models.errors import MaskloopError, TrainingRunError
from models.networks.clicknet import ClickNet
from models.state_dicts import load_weights, read_state_dict
from models.training.atomic_files import write_atomically
from models.training.click_trainer import ClickTrainer, StepReport
from models.training.crop_stream import Batch, CropStream, FolderPictures
from models.training.recipe import Recipe, Source, sources
from models.training.training_log import TrainingLog
from models.training.validation import mean_ious

_SAVE_EVERY_S = 120.0
_PATIENCE_S = 10.0
_VALIDATION_CROPS = 128
_LONGEST_WAIT = timedelta(minutes=10)
"""For the other processes of a run."""
_OPTIONS = "run.json"
_CHECKPOINT = "checkpoint.pt"
_MAY_CHANGE = {"minutes", "processes", "workers", "device"}
"""Options that may be others when a run is gone on with."""
_MEETING = ".meeting"
"""File through which the processes of a run find each other."""

OnStep = Callable[[float, StepReport], None]
"""Told the minutes spent and what the step reached."""


@dataclass(frozen=True)
class RunOptions:
    """What a run does.

    Attributes:
        data: Folders of pictures with masks.
        recipe: JSON file with the proportions; see `Recipe`.
        init: Weights of a ClickNet to begin with.
        encoder: Weights of a MobileNetV2 to begin with, if `init` is not given; torchvision's names.
        minutes: How long it takes, stops left out.
        side: Of the crops, in pixels; a multiple of 16.
        batch_size: Crops per step and process.
        learning_rate: Of the decoder, at its highest.
        encoder_factor: The encoder's, in units of the decoder's; 0 leaves the encoder as it is.
        processes: That train together; more than one on CPUs only.
        workers: Processes that prepare crops, for each of them.
        device: As torch calls it.
        seed: Of everything.
    """

    data: tuple[str, ...]
    recipe: str
    init: str | None = None
    encoder: str | None = None
    minutes: float = 60.0
    side: int = 256
    batch_size: int = 5
    learning_rate: float = 1e-3
    encoder_factor: float = 0.1
    processes: int = 1
    workers: int = 0
    device: str = "cpu"
    seed: int = 0


def run(out: Path, options: RunOptions, *, on_step: OnStep) -> None:
    """Train, or go on training, until the minutes are over.

    Args:
        out: The run's folder; made if it is not there.
        options: Must be the same when going on, but for the time, the processes and the device.
        on_step: Called after each step, in this process.

    Raises:
        DataFolderError: The data or the recipe cannot be used.
        WeightsError: The weights to begin with cannot be used.
        TrainingRunError: The folder holds another run, something cannot be written, or a process was killed.
    """
    sources([Path(folder) for folder in options.data], Recipe.read(Path(options.recipe)))
    out.mkdir(parents=True, exist_ok=True)
    _check_same_run(out, options)
    write_atomically(out / _OPTIONS, (json.dumps(asdict(options), indent=1) + "\n").encode())
    if options.processes == 1:
        _train(out, options, on_step)
    else:
        _train_together(out, options, on_step)


def _check_same_run(out: Path, options: RunOptions) -> None:
    if not (out / _CHECKPOINT).is_file() or not (out / _OPTIONS).is_file():
        return
    before = json.loads((out / _OPTIONS).read_text(encoding="utf-8"))
    now = json.loads(json.dumps(asdict(options)))
    changed = [name for name in now if name not in _MAY_CHANGE and before.get(name) != now[name]]
    if changed:
        was = ", ".join(f"{name} {before.get(name)!r}" for name in changed)
        raise TrainingRunError(f"{out} holds a run with {was}. Give the same, or another folder.")


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Let processes that are started here ignore Ctrl-C from their first moment, which they inherit.

    One that reaches them while they still import prints a traceback. Only the main thread may set signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _train_together(out: Path, options: RunOptions, on_step: OnStep) -> None:
    (out / _MEETING).unlink(missing_ok=True)
    spawn = multiprocessing.get_context("spawn")
    others = [spawn.Process(target=_help, args=(n, out, options)) for n in range(1, options.processes)]
    with _interrupts_ignored():
        for process in others:
            process.daemon = True
            process.start()
    try:
        _train_as(0, out, options, on_step)
        for process in others:
            process.join(_PATIENCE_S)
    except RuntimeError as error:
        for process in others:
            process.join(1)
        ended = [str(process.exitcode) for process in others if process.exitcode is not None]
        if not ended or isinstance(error, MaskloopError):
            raise
        raise TrainingRunError(
            f"A process of the run has ended with status {', '.join(ended)}. The same command goes on."
        ) from error
    finally:
        for process in others:
            process.kill()
        if dist.is_initialized():
            dist.destroy_process_group()


def _help(rank: int, out: Path, options: RunOptions) -> None:
    """What the other processes do: they report to nobody, and the first one decides when they end."""
    _train_as(rank, out, options, lambda minutes, report: None)


def _train_as(rank: int, out: Path, options: RunOptions, on_step: OnStep) -> None:
    meeting = (out / _MEETING).resolve().as_uri()
    dist.init_process_group(
        "gloo", init_method=meeting, rank=rank, world_size=options.processes, timeout=_LONGEST_WAIT
    )
    _train(out, options, on_step)


def _train(out: Path, options: RunOptions, on_step: OnStep) -> None:
    rank = dist.get_rank() if dist.is_initialized() else 0
    if options.processes > 1:
        torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    recipe = Recipe.read(Path(options.recipe))
    found = sources([Path(folder) for folder in options.data], recipe)
    device = torch.device(options.device)
    trainer = ClickTrainer(
        _network(options).to(device),
        learning_rate=options.learning_rate,
        encoder_factor=options.encoder_factor,
        seed=options.seed,
    )
    checkpoint = out / _CHECKPOINT
    spent = trainer.restore(checkpoint) if checkpoint.is_file() else 0.0
    batches = _batches(found, recipe, options, seed=options.seed + 1000 * trainer.step_count + rank)
    started, saved = time.monotonic() - spent, spent
    with TrainingLog(out / "logs", enabled=rank == 0) as log:
        while not _everyone(spent >= 60 * options.minutes):
            batch = next(batches).to(device)
            report = trainer.step(batch, progress=min(1.0, spent / (60 * options.minutes)))
            spent = time.monotonic() - started
            log.add(trainer.step_count, asdict(report))
            on_step(spent / 60, report)
            if rank == 0 and spent - saved >= _SAVE_EVERY_S:
                saved = spent
                _write(trainer, out, checkpoint, spent)
    if rank == 0:
        _write(trainer, out, checkpoint, spent)
        ious = _validate(trainer, found, options)
        write_atomically(out / "validation.json", (json.dumps({"mean_iou": ious}) + "\n").encode())


def _network(options: RunOptions) -> ClickNet:
    network = ClickNet()
    if options.init is not None:
        load_weights(network, Path(options.init))
    elif options.encoder is not None:
        network.encoder.load_torchvision(read_state_dict(Path(options.encoder)))
    return network


def _batches(found: list[Source], recipe: Recipe, options: RunOptions, seed: int) -> Iterator[Batch]:
    stream = CropStream(FolderPictures(found), recipe, side=options.side, seed=seed)
    loader = DataLoader(
        stream, batch_size=options.batch_size, collate_fn=Batch.of, num_workers=options.workers
    )
    return iter(loader)


def _write(trainer: ClickTrainer, out: Path, checkpoint: Path, spent: float) -> None:
    trainer.save(checkpoint, spent)
    write_atomically(out / "clicknet.safetensors", save(half_precision(trainer.averaged_weights)))


def _validate(trainer: ClickTrainer, found: list[Source], options: RunOptions) -> list[float]:
    """Mean IoU after each prompt on held-out crops, with the averaged weights; empty if none are."""
    if not any(source.held_out for source in found):
        return []
    network = ClickNet()
    network.load_state_dict(trainer.averaged_weights)
    pictures = FolderPictures(found, held_out=True)
    stream = CropStream(pictures, None, side=options.side, seed=options.seed)
    return mean_ious(
        network.eval().to(torch.device(options.device)), stream, n_crops=_VALIDATION_CROPS, n_prompts=4
    )


def half_precision(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights as they are shipped: 16-bit floats, contiguous, on the CPU."""
    return {name: value.detach().half().cpu().contiguous() for name, value in weights.items()}


def _everyone(done: bool) -> bool:
    """Whether any process is done, agreed between all of them."""
    if not dist.is_initialized():
        return done
    flag = torch.tensor(float(done))
    dist.all_reduce(flag)
    return bool(flag > 0)
