"""Which selector learns most from how few annotations, in simulated projects over pictures with masks."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from backend.selection import SELECTORS
from scripts.child_process import endings_interrupt
from scripts.click_report import check_plots
from scripts.errors import NothingMeasuredError
from scripts.machine import describe_machine
from scripts.options import errors_to_exit, in_existing_folder
from scripts.picture_sets import AskedAbout, GroupBy, Last, Masks, chosen_pictures, divide
from scripts.progress import counting_bar
from scripts.row_file import RowFile, RowsInto
from scripts.selection_report import BASELINES, curves_of, draw, table
from scripts.selection_runs import EVERYTHING, Cost, Project, Run, simulate_all
from scripts.selection_scores import question

_DEFAULT = ("sequential", *BASELINES, "sequence-aware", "auto")
_MEASURES = {"segmentation": ("dice", "pooled_dice"), "classification": ("accuracy", "balanced_accuracy")}


def parse_rounds(text: str, available: int) -> tuple[int, ...]:
    """Numbers of annotated pictures, ascending.

    Raises:
        BadParameter: They are not numbers that grow.
        NothingMeasuredError: There are too few pictures for the first.
    """
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and int(part) for part in parts):
        raise typer.BadParameter("--rounds wants numbers, such as 8,16,24,32.")
    rounds = [int(part) for part in parts]
    if sorted(set(rounds)) != rounds:
        raise typer.BadParameter("--rounds must grow, such as 8,16,24,32.")
    kept = tuple(count for count in rounds if count <= available)
    if not kept:
        raise NothingMeasuredError(f"{available} pictures to choose from: fewer than {rounds[0]}.")
    return kept


def _left(rows: Sequence[dict[str, Any]], selectors: Sequence[str], seeds: int) -> list[Run]:
    done = {(row["selector"], row["seed"]) for row in rows}
    every = (Run(name, seed) for seed in range(seeds) for name in selectors)
    return [run for run in every if (run.selector, run.seed) not in done]


def main(
    data: Annotated[Path, typer.Option(help="Folder with images/ and masks/.")],
    selector: Annotated[list[str] | None, typer.Option(help="Only these; may be given again.")] = None,
    rounds: Annotated[str, typer.Option(help="Annotated pictures after each round.")] = "8,16,24,32",
    seeds: Annotated[int, typer.Option(min=1, help="Simulated projects of each selector.")] = 3,
    task: Annotated[
        str, typer.Option(help="segmentation; or classification: which class has most of a picture.")
    ] = "segmentation",
    masks: Masks = "objects",
    group_by: GroupBy = "auto",
    last: Last = None,
    test: AskedAbout = 100,
    everything: Annotated[
        bool, typer.Option("--all-labels/--no-all-labels", help="Also measure what all labels reach.")
    ] = True,
    measure: Annotated[
        str | None, typer.Option(help="dice or pooled_dice; accuracy or balanced_accuracy.")
    ] = None,
    seconds: Annotated[float, typer.Option(min=1, help="Time of a training of up to 50 pictures.")] = 60.0,
    most_seconds: Annotated[float, typer.Option(min=1, help="Most time of a training.")] = 300.0,
    seconds_per_picture: Annotated[float, typer.Option(min=0, help="To look at a picture.")] = 10.0,
    seconds_per_object: Annotated[float, typer.Option(min=0, help="To mark an object with clicks.")] = 12.0,
    side: Annotated[
        int | None,
        typer.Option(min=32, help="Longer side of the networks' pictures; without, what the objects need."),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Projects at a time; they share the cores.")] = 1,
    json_file: RowsInto = None,
    plot: Annotated[
        Path | None, typer.Option(callback=in_existing_folder, help="Draw the curves: PNG, SVG or PDF.")
    ] = None,
) -> None:
    """Simulate annotation projects: choose, label from the masks, train, and ask about other pictures."""
    console = Console()
    if task not in _MEASURES:
        raise typer.BadParameter("--task is segmentation or classification.")
    measure = measure or _MEASURES[task][0]
    if measure not in _MEASURES[task]:
        raise typer.BadParameter(f"--measure is {' or '.join(_MEASURES[task])}.")
    names = list(selector or _DEFAULT)
    with errors_to_exit():
        for name in names:
            SELECTORS.get(name)
        if plot is not None:
            check_plots()
        pictures = chosen_pictures(data, masks, group_by, last)
        pool, asked = divide(pictures, test)
        counts = parse_rounds(rounds, len(pool))
        schema = pictures.schema([*pool, *asked])
        if task == "classification":
            schema = question(schema.classes)
        cost = Cost(seconds_per_picture, seconds_per_object)
        how: dict[str, Any] = {"data": data.resolve().name, "task": task, "masks": masks, "last": last}
        how |= {"group_by": group_by, "test": test, "rounds": list(counts), "seconds": seconds}
        how |= {"most_seconds": most_seconds, "picture_s": seconds_per_picture}
        how |= {"object_s": seconds_per_object, "side": side}
        file = RowFile(json_file, how)
        runs = _left(file.rows, [*names, *([EVERYTHING] if everything else [])], seeds)
        project = Project(pictures, pool, asked, schema, counts, seconds, most_seconds, cost, side)
        with (
            endings_interrupt(),
            counting_bar(console) as progress,
            closing(simulate_all(project, runs, workers)) as simulated,
        ):
            for own in progress.track(simulated, len(runs), description="projects"):
                file.add(own)
        shown = [row for row in file.rows if row["selector"] in (*names, EVERYTHING)]
        title = f"{data.resolve().name}: {len(pool)} pictures to choose from, {len(asked)} others"
        curves = curves_of(sorted(shown, key=lambda row: _place(names, row["selector"])), measure)
        console.print(table(curves, title, measure))
        console.print(describe_machine())
        if plot is not None:
            draw(plot, curves, title, measure)


def _place(names: Sequence[str], name: str) -> int:
    return names.index(name) if name in names else len(names)


if __name__ == "__main__":
    typer.run(main)
