"""Learns from simulated annotators which clicks lead to poor masks, and says how well that is foreseen."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy import stats

from backend.inspection.click_features import NAMES, click_features
from backend.inspection.click_trajectory import (
    POOR,
    WEIGHTS,
    chance_of_poor,
    fit_weights,
    shipped_weights,
)
from models.interactive.base import InteractiveModel
from models.interactive.clicknet import ClickNetModel
from models.training.atomic_files import write_atomically
from models.training.samples import DataFolder
from scripts.child_process import endings_interrupt
from scripts.errors import NothingMeasuredError
from scripts.machine import describe_machine
from scripts.options import errors_to_exit
from scripts.progress import counting_bar
from scripts.simulated_annotators import annotated_picture, pictures_to_annotate

_PULL = 0.1
"""Of all weights to zero, so that features that say the same share the weight."""

_USUALLY_POOR = 0.05
"""Share of the masks that people submit; simulated annotators are more careless. The constant is corrected
for that (King and Zeng, "Logistic regression in rare events data", 2001, section 4.1)."""


def area_under_curve(chance: NDArray[np.float64], poor: NDArray[np.bool_]) -> float:
    """Chance that a poor mask is ranked above another one (Mann and Whitney); NaN without either."""
    if poor.all() or not poor.any():
        return float("nan")
    statistic = stats.mannwhitneyu(chance[poor], chance[~poor]).statistic
    return float(statistic / (poor.sum() * (~poor).sum()))


def main(
    data: Annotated[
        list[Path] | None, typer.Option(help="Folders with images/ and masks/ to learn from.")
    ] = None,
    test: Annotated[list[Path] | None, typer.Option(help="Folders to foresee poor masks in.")] = None,
    every: Annotated[int, typer.Option(min=1, help="Only every K-th object.")] = 1,
    last: Annotated[int | None, typer.Option(min=1, help="Only the last N pictures of each folder.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of all chance.")] = 0,
    out: Annotated[Path, typer.Option(help="File of the weights.")] = WEIGHTS,
) -> None:
    """Learn from simulated annotators, who click with more or less care, which clicks lead to poor masks.

    With --test alone the shipped weights are tested.
    """
    console = Console()
    with errors_to_exit(), endings_interrupt():
        model = ClickNetModel()
        model.load()
        if data:
            features, poor = _collected(console, model, data, every, last, seed)
            if poor.all() or not poor.any():
                raise NothingMeasuredError(
                    f"Of {len(poor)} masks {poor.sum()} are poor: nothing can be learned. Give more pictures."
                )
            weights = fit_weights(features, poor, near=np.zeros(len(NAMES) + 1), pull=_PULL)
            weights[-1] += _log_odds(_USUALLY_POOR) - _log_odds(float(poor.mean()))
            names = [folder.resolve().name for folder in data]
            content = {"weights": dict(zip(NAMES, weights[:-1].round(4).tolist(), strict=True))}
            facts = {"constant": round(float(weights[-1]), 4), "learned_from": names, "objects": len(poor)}
            write_atomically(out, (json.dumps(content | facts, indent=1) + "\n").encode())
            console.print(f"Learned from {len(poor)} objects, {poor.mean():.0%} of them poor: {out}")
        else:
            weights = shipped_weights()
        table = Table("folder", "objects", "poor", "AUC", "AUC of the number of clicks")
        for folder in test or ():
            features, poor = _collected(console, model, [folder], every, last, seed)
            auc = area_under_curve(chance_of_poor(features, weights), poor)
            by_count = area_under_curve(features[:, NAMES.index("clicks")], poor)
            table.add_row(
                folder.resolve().name, str(len(poor)), f"{poor.mean():.0%}", f"{auc:.3f}", f"{by_count:.3f}"
            )
        if test:
            console.print(table)
        console.print(describe_machine())


def _log_odds(chance: float) -> float:
    return math.log(chance / (1 - chance))


def _collected(
    console: Console,
    model: InteractiveModel[Any],
    folders: Sequence[Path],
    every: int,
    last: int | None,
    seed: int,
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Features of annotated objects, (N, F), and which are poor, (N,)."""
    features, poor = [], []
    for path in folders:
        folder = DataFolder(path)
        pictures = pictures_to_annotate(folder, every=every, last=last)
        with counting_bar(console) as progress:
            for picture in progress.track(pictures, description=path.resolve().name):
                for each in annotated_picture(model, folder, picture, seed):
                    if each.region is not None:
                        features.append(click_features(each.steps, each.region))
                        poor.append(each.iou < POOR)
    return np.array(features), np.array(poor)


if __name__ == "__main__":
    typer.run(main)
