"""How well inspection finds faults that were put into annotations on purpose."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from scripts.child_process import endings_interrupt
from scripts.injected_errors import FAULTS
from scripts.inspection_report import combined_table, fault_table, rule_table
from scripts.inspection_runs import Protocol, run_all
from scripts.machine import describe_machine
from scripts.options import errors_to_exit
from scripts.picture_sets import GroupBy, Last, Masks, chosen_pictures
from scripts.progress import counting_bar
from scripts.row_file import RowFile, RowsInto


def parse_faults(names: list[str] | None) -> list[str] | None:
    """Check the names of faults.

    Raises:
        BadParameter: One of them is unknown.
    """
    for name in names or ():
        if name not in FAULTS:
            raise typer.BadParameter(f"{name!r} is none of {', '.join(FAULTS)}.")
    return names


def main(
    data: Annotated[Path, typer.Option(help="Folder with images/ and masks/.")],
    pictures: Annotated[int, typer.Option(min=10, help="Annotated pictures of a project.")] = 200,
    share: Annotated[float, typer.Option(min=0, max=0.5, help="Of them that get a fault.")] = 0.1,
    fault: Annotated[
        list[str] | None,
        typer.Option(callback=parse_faults, help=f"Only these: {', '.join(FAULTS)}."),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Projects: choices of pictures and faults.")] = 3,
    masks: Masks = "objects",
    group_by: GroupBy = "auto",
    last: Last = None,
    seconds: Annotated[float, typer.Option(min=1, help="Time of a fit with up to 50 pictures.")] = 120.0,
    most_seconds: Annotated[
        float, typer.Option(min=0, help="Time of the longest fit; 0 leaves out what needs a network.")
    ] = 600.0,
    workers: Annotated[int, typer.Option(min=1, help="Projects at the same time.")] = 1,
    json_file: RowsInto = None,
) -> None:
    """Put faults into annotations, learn from them as a project would, inspect, and say what was found."""
    console = Console()
    with errors_to_exit():
        chosen = chosen_pictures(data, masks, group_by, last)
        stems = tuple(sorted(chosen.groups()))
        kinds = tuple(fault or FAULTS)
        how: dict[str, Any] = {
            "data": data.resolve().name,
            "masks": masks,
            "group_by": group_by,
            "last": last,
        }
        how |= {"pictures": pictures, "share": share, "faults": list(kinds)}
        how |= {"seconds": seconds, "most_seconds": most_seconds}
        file = RowFile(json_file, how)
        done = {row["seed"] for row in file.rows}
        protocol = Protocol(chosen, stems, min(pictures, len(stems)), share, kinds, seconds, most_seconds)
        todo = [seed for seed in range(seeds) if seed not in done]
        with (
            endings_interrupt(),
            counting_bar(console) as progress,
            closing(run_all(protocol, todo, workers)) as inspected,
        ):
            for rows in progress.track(inspected, len(todo), description="projects"):
                file.add(rows)
    title = f"{data.resolve().name}: {seeds} projects of {protocol.n_pictures} pictures, {share:.0%} faulty"
    console.print(combined_table(file.rows, title))
    console.print(rule_table(file.rows))
    console.print(fault_table(file.rows))
    console.print(describe_machine())


if __name__ == "__main__":
    typer.run(main)
