"""How many clicks a project's own click model saves: fitted to some pictures, clicked on others."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console

from models.training.click_evaluation import Limits
from models.training.click_fit import WEIGHTS, ClickTraining, fit_click_model
from models.training.examples import Example
from models.training.fit_progress import Report
from models.training.prelabel_fit import FitOutcome
from models.training.samples import DataFolder
from scripts.child_process import endings_interrupt
from scripts.click_report import Column, make_column, table, write_json
from scripts.click_runs import ClickProtocol, Job, ModelMaker, run_jobs
from scripts.errors import NothingMeasuredError
from scripts.evaluate_clicks import choose_jobs
from scripts.machine import describe_machine
from scripts.options import errors_to_exit, in_existing_folder
from scripts.progress import counting_bar

_CLICKER = "centre"
_LIMITS = Limits(20, curve_clicks=0)


@dataclass(frozen=True)
class FitSettings:
    """How long a fit takes.

    Attributes:
        seconds: Its time, the gate included.
        steps: Most steps.
        seed: Of everything random.
    """

    seconds: float
    steps: int
    seed: int


def divide(folder: DataFolder, stems: Sequence[str], count: int, seed: int) -> tuple[list[str], list[str]]:
    """Choose pictures to learn from, whole groups at random; the others are asked about.

    Args:
        folder: The pictures.
        stems: Names of those that may be used.
        count: About so many are learned from.
        seed: Of the choice.

    Returns:
        Names of the two kinds, sorted.

    Raises:
        NothingMeasuredError: No picture is left to ask about.
    """
    groups = folder.groups()
    names = sorted({groups[stem] for stem in stems})
    learned: list[str] = []
    for index in np.random.default_rng(seed).permutation(len(names)):
        if len(learned) < count:
            learned += [stem for stem in stems if groups[stem] == names[index]]
    asked = [stem for stem in stems if stem not in set(learned)]
    if not asked:
        raise NothingMeasuredError(f"All {len(stems)} pictures would be learned from; lower --labels.")
    return sorted(learned), asked


def fitted(
    folder: DataFolder, stems: Sequence[str], scratch: Path, settings: FitSettings, report: Report
) -> FitOutcome:
    """Fit a click model.

    Args:
        folder: The pictures.
        stems: Names of those to learn from.
        scratch: Folder for the fit alone.
        settings: How long.
        report: Told the progress.

    Raises:
        TooFewExamplesError: They hold too few objects.
    """
    groups = folder.groups()
    examples = [
        Example(stem, groups[stem], partial(folder.read_image, stem), folder.read_truth(stem).objects, {})
        for stem in stems
    ]
    return fit_click_model(
        examples,
        scratch,
        active=None,
        budget_s=settings.seconds,
        seed=settings.seed,
        report=report,
        how=ClickTraining(most_steps=settings.steps),
    )


def _clicked(
    console: Console,
    title: str,
    maker: ModelMaker,
    protocol: ClickProtocol,
    jobs: Sequence[Job],
    workers: int,
) -> Column:
    with closing(run_jobs(protocol, maker, jobs, workers)) as running:
        total = sum(len(job.objects) for job in jobs)
        with counting_bar(console) as progress:
            bar = progress.add_task(title, total=total)
            results = []
            for result in running:
                results.append(result)
                progress.advance(bar, len(result.objects))
    return make_column(title, results, _LIMITS.max_clicks)


def main(
    data: Annotated[Path, typer.Option(help="Folder with images/ and masks/.")],
    labels: Annotated[int, typer.Option(min=8, help="Pictures that are learned from and judged by.")] = 40,
    seeds: Annotated[int, typer.Option(min=1, help="Choices of these pictures.")] = 2,
    last: Annotated[int | None, typer.Option(min=9, help="Only the last N samples by name.")] = None,
    every: Annotated[int, typer.Option(min=1, help="Only every K-th object of the other pictures.")] = 1,
    components: Annotated[
        bool, typer.Option("--components", help="Masks hold classes: each connected component is an object.")
    ] = False,
    seconds: Annotated[float, typer.Option(min=1, help="Time of a fit.")] = 120.0,
    steps: Annotated[int, typer.Option(min=1, help="Most steps of a fit, whatever time is left.")] = 2000,
    workers: Annotated[int, typer.Option(min=1, help="Processes that click.")] = 1,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", callback=in_existing_folder, help="Also write everything here, by object."),
    ] = None,
) -> None:
    """Count the clicks that objects need before and after a click model was fitted to others like them."""
    console = Console()
    with errors_to_exit(), endings_interrupt():
        folder = DataFolder(data, as_components=components)
        stems = folder.select(last=last)
        protocol = ClickProtocol(folder, _CLICKER, 0, _LIMITS)
        columns: list[Column] = []
        gates: list[dict[str, Any]] = []
        for seed in range(seeds):
            learned, asked = divide(folder, stems, labels, seed)
            jobs = choose_jobs(console, folder, asked, every=every, min_area=1)
            shipped = ModelMaker("clicknet")
            columns.append(_clicked(console, f"shipped, seed {seed}", shipped, protocol, jobs, workers))
            with tempfile.TemporaryDirectory(prefix="maskloop-click-fit-") as scratch:
                with counting_bar(console) as progress:
                    bar = progress.add_task("fitting", total=100)
                    outcome = fitted(
                        folder,
                        learned,
                        Path(scratch),
                        FitSettings(seconds, steps, seed),
                        lambda part, bar=bar, shown=progress: shown.update(  # type: ignore[misc]
                            bar, completed=100 * part.done, description=part.stage
                        ),
                    )
                own = ModelMaker("clicknet", (("weights", outcome.folder / WEIGHTS),))
                columns.append(_clicked(console, f"fitted, seed {seed}", own, protocol, jobs, workers))
            gates.append({"passed": outcome.gate.passed, "reason": outcome.gate.reason, **outcome.metrics})
            console.print(f"Seed {seed}, {outcome.metrics['steps']} steps. Gate: {outcome.gate.reason}")
        title = f"{data.resolve().name}, fitted to {labels} pictures"
        console.print(table(columns, title))
        console.print(describe_machine())
        if json_file is not None:
            how = {"data": title, "every": every, "seconds": seconds, "steps": steps, "gates": gates}
            write_json(json_file, columns, how)


if __name__ == "__main__":
    typer.run(main)
