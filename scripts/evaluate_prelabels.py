"""How good pre-labels are after how many annotated pictures, and how well their quality is predicted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from models.prelabel import PRELABELLERS
from scripts.child_process import endings_interrupt
from scripts.machine import describe_machine
from scripts.options import errors_to_exit
from scripts.picture_sets import AskedAbout, GroupBy, Last, Masks, chosen_pictures, divide
from scripts.prelabel_runs import TRAINED, Protocol, Run, run_all
from scripts.progress import counting_bar
from scripts.row_file import RowFile, RowsInto

Row = Mapping[str, Any]

_SHOWN = ("dice", "iou", "ap50", "predict_ms", "fit_s")
_QUALITY = (
    "pearson_expected",
    "pearson_entropy",
    "pearson_max_softmax",
    "spearman_expected",
    "expected_mae",
    "ap_error_map",
    "ap_entropy",
    "ap_max_softmax",
)


def plan(labellers: Sequence[str], counts: Sequence[int], n_seeds: int) -> list[Run]:
    """All runs; those that do not learn are made once."""
    runs = []
    for labeller in labellers:
        if labeller in TRAINED:
            runs += [Run(labeller, count, seed) for count in counts for seed in range(n_seeds)]
        else:
            runs.append(Run(labeller, 0, 0))
    return runs


def curve_table(rows: Sequence[Row], title: str) -> Table:
    """Mean and standard deviation over the seeds, a line for each pre-labeller and number of labels."""
    table = Table("", "labels", "seeds", *(name.replace("_", " ") for name in _SHOWN), title=title)
    for labeller, count, group in _grouped(rows):
        table.add_row(labeller, str(count), str(len(group)), *(_mean(group, name) for name in _SHOWN))
    return table


def quality_table(rows: Sequence[Row]) -> Table:
    """How well the quality of pre-labels is known beforehand, beside what entropy and max-softmax say."""
    table = Table("", "labels", *(name.replace("_", " ") for name in _QUALITY), title="Predicted quality")
    for labeller, count, group in _grouped([row for row in rows if _QUALITY[0] in row]):
        table.add_row(labeller, str(count), *(_mean(group, name) for name in _QUALITY))
    return table


def _grouped(rows: Sequence[Row]) -> list[tuple[str, int, list[Row]]]:
    keys = dict.fromkeys((row["labeller"], row["n_labels"]) for row in rows)
    return [
        (labeller, count, [row for row in rows if (row["labeller"], row["n_labels"]) == (labeller, count)])
        for labeller, count in keys
    ]


def _mean(rows: Sequence[Row], name: str) -> str:
    values = [row[name] for row in rows]
    mean = f"{np.mean(values):.3g}" if name in ("predict_ms", "fit_s") else f"{np.mean(values):.3f}"
    return mean if len(values) < 2 else f"{mean} ± {np.std(values, ddof=1):.2g}"


def _counts(text: str, available: int) -> list[int]:
    counts = []
    for part in text.split(","):
        if part.strip() != "all" and not part.strip().isdecimal():
            raise typer.BadParameter("--labels wants numbers and all, such as 8,16,32,all.")
        counts.append(available if part.strip() == "all" else min(int(part), available))
    return sorted(set(counts) - {0})


def main(
    data: Annotated[Path, typer.Option(help="Folder with images/ and masks/.")],
    labels: Annotated[
        str, typer.Option(help="Numbers of annotated pictures to learn from.")
    ] = "8,16,24,32,all",
    seeds: Annotated[int, typer.Option(min=1, help="Choices of these pictures.")] = 3,
    labeller: Annotated[
        list[str] | None, typer.Option(help="Only these: otsu, watershed, unet, unet-scratch.")
    ] = None,
    masks: Masks = "objects",
    group_by: GroupBy = "auto",
    last: Last = None,
    test: AskedAbout = 100,
    seconds: Annotated[float, typer.Option(min=1, help="Time of a fit with up to 50 pictures.")] = 120.0,
    most_seconds: Annotated[float, typer.Option(min=1, help="Time of the longest fit.")] = 600.0,
    workers: Annotated[
        int, typer.Option(min=1, help="Runs at the same time; they share the processors.")
    ] = 1,
    json_file: RowsInto = None,
) -> None:
    """Draw the curve of pre-label quality over the number of annotated pictures."""
    console = Console()
    names = labeller or [*PRELABELLERS.names, *TRAINED]
    with errors_to_exit():
        for name in set(names) - set(TRAINED):
            PRELABELLERS.get(name)
        pictures = chosen_pictures(data, masks, group_by, last)
        pool, asked = divide(pictures, test)
        how: dict[str, Any] = {"data": data.resolve().name, "masks": masks, "group_by": group_by}
        how |= {"last": last, "test": test, "seconds": seconds, "most_seconds": most_seconds}
        file = RowFile(json_file, how)
        done = {(row["labeller"], row["n_labels"], row["seed"]) for row in file.rows}
        runs = [
            run
            for run in plan(names, _counts(labels, len(pool)), seeds)
            if (run.labeller, run.n_labels, run.seed) not in done
        ]
        schema = pictures.schema([*pool, *asked])
        protocol = Protocol(pictures, pool, asked, schema, seconds, most_seconds)
        with (
            endings_interrupt(),
            counting_bar(console) as progress,
            closing(run_all(protocol, runs, workers)) as measured,
        ):
            for row in progress.track(measured, len(runs), description="fits"):
                file.add([row])
    rows = sorted(
        file.rows,
        key=lambda row: (names.index(row["labeller"]) if row["labeller"] in names else 99, row["n_labels"]),
    )
    console.print(
        curve_table(rows, f"{data.resolve().name}: {len(asked)} pictures asked about, {len(pool)} others")
    )
    console.print(quality_table(rows))
    console.print(describe_machine())


if __name__ == "__main__":
    typer.run(main)
