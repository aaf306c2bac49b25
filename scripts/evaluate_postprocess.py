"""What post-processors gain on damaged masks, and what they cost on true ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from backend.settings import Settings
from models.chain_text import build_chain
from models.postprocess import POST_PROCESSORS
from models.training.click_statistics import mean_over_groups
from scripts.child_process import endings_interrupt
from scripts.errors import NothingMeasuredError
from scripts.machine import describe_machine
from scripts.mask_noise import KINDS
from scripts.options import errors_to_exit
from scripts.picture_sets import GroupBy, Last, Masks, chosen_pictures
from scripts.postprocess_runs import Protocol, measure
from scripts.progress import counting_bar
from scripts.row_file import RowFile, RowsInto
from scripts.worker_processes import in_processes

Row = Mapping[str, Any]

_DEFAULT = ",".join(Settings.model_fields["postprocess"].default)


def table(rows: Sequence[Row], title: str) -> Table:
    """A line for each chain: how much Dice changes with each kind of damage, with 95 % intervals."""
    found = Table("chain", *KINDS, "all but clean", "regions", "ms", title=title)
    before = [_mean([row["before"] for row in rows if row["damage"] == kind]) for kind in KINDS]
    damaged = [row for row in rows if row["damage"] != "clean"]
    found.add_row("Dice before", *before, _mean([row["before"] for row in damaged]), "", "")
    for chain in dict.fromkeys(row["chain"] for row in rows):
        own = [row for row in rows if row["chain"] == chain]
        changes = [_change([row for row in own if row["damage"] == kind]) for kind in KINDS]
        clean = [row["regions"] / row["objects"] for row in own if row["damage"] == "clean"]
        found.add_row(
            chain,
            *changes,
            _change([row for row in own if row["damage"] != "clean"]),
            f"{np.mean(clean):.2f}",
            f"{np.mean([row['ms'] for row in own]):.0f}",
        )
    found.caption = (
        "Change of the Dice of true objects with the best region of their class, mean over pictures; regions "
        "per true object of clean masks; time for a picture."
    )
    return found


def _mean(values: Sequence[float]) -> str:
    return f"{np.mean(values):.3f}"


def _change(rows: Sequence[Row]) -> str:
    groups = [row["group"] for row in rows]
    estimate = mean_over_groups([row["after"] - row["before"] for row in rows], groups)
    return f"{estimate.mean:+.4f}\n[{estimate.low:+.4f}, {estimate.high:+.4f}]"


def main(
    data: Annotated[Path, typer.Option(help="Folder with images/ and masks/.")],
    chain: Annotated[
        list[str] | None,
        typer.Option(
            help="Steps to measure, as name:option=value,name; default each alone, and the default."
        ),
    ] = None,
    masks: Masks = "objects",
    group_by: GroupBy = "auto",
    last: Last = None,
    without_last: Annotated[int, typer.Option(min=0, help="Leave out the last N pictures by name.")] = 0,
    every: Annotated[int, typer.Option(min=1, help="Only every K-th picture.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Of the damage.")] = 0,
    workers: Annotated[
        int, typer.Option(min=1, help="Pictures at the same time; they share the processors.")
    ] = 1,
    json_file: RowsInto = None,
) -> None:
    """Damage true masks in known ways, clean them, and compare with the truth."""
    console = Console()
    chains = tuple(chain or dict.fromkeys((_DEFAULT, *POST_PROCESSORS.names)))
    with errors_to_exit():
        for each in chains:
            build_chain(POST_PROCESSORS, each)
        pictures = chosen_pictures(data, masks, group_by, last)
        stems = sorted(pictures.groups())
        stems = stems[: len(stems) - without_last][::every]
        how: dict[str, Any] = {
            "data": data.resolve().name,
            "masks": masks,
            "group_by": group_by,
            "last": last,
        }
        how |= {"without_last": without_last, "every": every, "seed": seed, "chains": list(chains)}
        file = RowFile(json_file, how)
        done = {row["stem"] for row in file.rows}
        left = [stem for stem in stems if stem not in done]
        protocol = Protocol(pictures, chains, seed)
        with (
            endings_interrupt(),
            counting_bar(console) as progress,
            closing(in_processes(partial(measure, protocol), left, workers)) as measured,
        ):
            for rows in progress.track(measured, len(left), description="pictures"):
                file.add(rows)
        if not file.rows:
            raise NothingMeasuredError(f"None of the {len(stems)} chosen pictures in {data} has an object.")
    n_pictures = len({row["stem"] for row in file.rows})
    console.print(table(file.rows, f"{data.resolve().name}: {n_pictures} pictures"))
    console.print(describe_machine())


if __name__ == "__main__":
    typer.run(main)
