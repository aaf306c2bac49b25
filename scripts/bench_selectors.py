"""How long selectors think about large projects, and how much memory they take."""

from __future__ import annotations

import json
import resource
import time
from dataclasses import fields, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from backend.selection import SELECTORS
from backend.selection.base import Figures, Places, Situation, ranked
from models.training.atomic_files import write_atomically
from scripts.machine import describe_machine
from scripts.options import errors_to_exit, in_existing_folder
from scripts.progress import counting_bar

_N_CLASSES = 5
_N_LABELLED = 200
_BASELINE = "random"
_KIB = 2**10


def draw_situation(n_tasks: int, n_dimensions: int, seed: int = 0) -> Situation:
    """A project of random looks and figures, without sequences.

    Args:
        n_tasks: That could be asked.
        n_dimensions: Of the embeddings.
        seed: Of the random generator.
    """
    rng = np.random.default_rng(seed)
    places = []
    for count in (n_tasks, _N_LABELLED):
        looks = rng.standard_normal((count, n_dimensions), dtype=np.float32)
        looks /= np.linalg.norm(looks, axis=1, keepdims=True)
        places.append(Places(looks, np.arange(count, dtype=np.int64), np.full(count, np.nan)))
    shares = rng.random((n_tasks, _N_CLASSES)) * (rng.random((n_tasks, _N_CLASSES)) < 0.5)
    one = {field.name: rng.random(n_tasks) for field in fields(Figures)}
    figures = replace(Figures(**one), class_shares=shares, class_entropy=shares)
    return Situation(places[0], places[1], figures)


def measure(name: str, n_tasks: int, n_dimensions: int, budget: int) -> dict[str, Any]:
    """Rank everything once, in a process of its own, whose memory grows by nothing else."""
    context = get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_measure, args=(theirs, name, n_tasks, n_dimensions, budget))
    process.start()
    theirs.close()
    try:
        row: dict[str, Any] = ours.recv()
    finally:
        process.join()
    return row


def _measure(answers: Any, name: str, n_tasks: int, n_dimensions: int, budget: int) -> None:
    situation = draw_situation(n_tasks, n_dimensions)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    ranking = ranked(SELECTORS.create(name), situation, budget, np.random.default_rng(0))
    seconds = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answers.send(
        {
            "selector": name,
            "ranked": len(ranking.order),
            "seconds": round(seconds, 3),
            "more_mib": round((after - before) / _KIB, 1),
            "all_mib": round(after / _KIB, 1),
        }
    )


def main(
    selector: Annotated[list[str] | None, typer.Option(help="Only these; may be given again.")] = None,
    tasks: Annotated[int, typer.Option(min=1, help="Tasks that could be asked.")] = 100_000,
    dimensions: Annotated[int, typer.Option(min=1, help="Of the embeddings; the networks' have 416.")] = 416,
    budget: Annotated[int, typer.Option(min=1, help="Tasks that are chosen together.")] = 500,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", callback=in_existing_folder, help="Also write the figures here."),
    ] = None,
) -> None:
    """Let selectors rank a large project of random figures; ratios are to choosing at random."""
    console = Console()
    names = [_BASELINE, *(name for name in selector or SELECTORS.names if name != _BASELINE)]
    with errors_to_exit():
        for name in names:
            SELECTORS.get(name)
        with counting_bar(console) as progress:
            rows = [
                measure(name, tasks, dimensions, budget)
                for name in progress.track(names, description="selectors")
            ]
    title = f"{tasks} tasks, {dimensions} dimensions, {budget} chosen together"
    table = Table("selector", "seconds", f"× {_BASELINE}", "more MiB", "MiB in all", title=title)
    for row in rows:
        ratio = row["seconds"] / max(rows[0]["seconds"], 1e-3)
        table.add_row(
            row["selector"],
            f"{row['seconds']:.2f}",
            f"{ratio:.0f}",
            f"{row['more_mib']:.0f}",
            f"{row['all_mib']:.0f}",
        )
    console.print(table)
    console.print(describe_machine())
    if json_file is not None:
        content = {"machine": describe_machine(), "title": title, "rows": rows}
        write_atomically(json_file, json.dumps(content, indent=1).encode())


if __name__ == "__main__":
    typer.run(main)
