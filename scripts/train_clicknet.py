"""Trains ClickNet on folders of pictures with masks, on CPUs or a GPU.

Ctrl-C stops a run; the same command goes on with it.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from models.interactive.clicknet import RECIPE, WEIGHTS
from models.training.click_run import RunOptions, run
from models.training.click_trainer import StepReport
from scripts.options import errors_to_exit

_SMOOTHING = 0.98


def main(
    data: Annotated[list[Path], typer.Option(help="Folder with images/ and masks/; may be given often.")],
    out: Annotated[Path, typer.Option(help="The run's folder; a run in it is gone on with.")],
    recipe: Annotated[Path, typer.Option(help="Proportions of the folders, by their names.")] = RECIPE,
    init: Annotated[Path | None, typer.Option(help="ClickNet weights to begin with.")] = WEIGHTS,
    encoder: Annotated[
        Path | None, typer.Option(help="Begin anew, on this MobileNetV2 (safetensors, torchvision's names).")
    ] = None,
    minutes: Annotated[float, typer.Option(min=0.0, help="Time of the run, stops left out.")] = 60.0,
    side: Annotated[int, typer.Option(min=32, help="Of the crops, in pixels; a multiple of 16.")] = 256,
    batch_size: Annotated[int, typer.Option(min=1, help="Crops per step and process.")] = 5,
    learning_rate: Annotated[float, typer.Option(min=0.0, help="Of the decoder.")] = 1e-3,
    encoder_factor: Annotated[
        float, typer.Option(min=0.0, help="The encoder's learns so much slower.")
    ] = 0.1,
    processes: Annotated[int, typer.Option(min=1, help="Processes of one thread each, on CPUs.")] = 1,
    workers: Annotated[int, typer.Option(min=0, help="Processes that prepare crops.")] = 0,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, ...; the GPU if there is one.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of everything.")] = 0,
) -> None:
    """Train ClickNet; the weights to use are clicknet.safetensors in the run's folder."""
    options = RunOptions(
        data=tuple(map(str, data)),
        recipe=str(recipe),
        init=str(init) if init and encoder is None else None,
        encoder=str(encoder) if encoder else None,
        minutes=minutes,
        side=side,
        batch_size=batch_size,
        learning_rate=learning_rate,
        encoder_factor=encoder_factor,
        processes=processes,
        workers=workers,
        device=device or ("cuda" if torch.cuda.is_available() else "cpu"),
        seed=seed,
    )
    with errors_to_exit(), _bar() as bar:
        shown = bar.add_task("training", total=max(minutes, 1e-9))
        means: dict[str, float] = {}

        def show(spent: float, report: StepReport) -> None:
            for name, value in asdict(report).items():
                means[name] = means.get(name, value) * _SMOOTHING + value * (1 - _SMOOTHING)
            text = "  ".join(f"{name.replace('_', ' ')} {value:.3f}" for name, value in means.items())
            bar.update(shown, completed=spent, description=text)

        try:
            run(out, options, on_step=show)
        except KeyboardInterrupt:
            print(f"Stopped. The same command goes on from the last checkpoint in {out}.")
            raise SystemExit(130) from None
    print(f"Trained. Weights: {out / 'clicknet.safetensors'}")


def _bar() -> Progress:
    return Progress(TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())


if __name__ == "__main__":
    typer.run(main)
