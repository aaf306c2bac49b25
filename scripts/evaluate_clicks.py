"""How many clicks objects need: the standard protocol for interactive models, on a folder of masks.

The next click goes into the largest error (models/training/clickers.py says which that is), up to 20 clicks.
NoC@90 is the mean number of clicks to IoU 0.90; objects that never reach it count with the cap.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Annotated, TypeAlias

import typer
from rich.console import Console

from backend.settings import Settings
from models.training.click_evaluation import Limits
from models.training.clickers import CLICKERS
from models.training.samples import DataFolder
from scripts import editor_requests
from scripts.child_process import endings_interrupt
from scripts.click_report import Column, check_plots, draw_curves, make_column, table, write_json
from scripts.click_runs import (
    ClickProtocol,
    Job,
    ModelMaker,
    PictureResult,
    ServiceMaker,
    TargetMaker,
    file_option,
    plan_jobs,
    run_jobs,
)
from scripts.errors import NothingMeasuredError
from scripts.local_service import local_service, private_settings
from scripts.machine import describe_machine
from scripts.options import errors_to_exit, in_existing_folder
from scripts.progress import counting_bar
from scripts.service_client import ServiceClient

Makers: TypeAlias = dict[str, TargetMaker]
"""What is measured, by its title."""


def model_makers(names: Sequence[str], weights: Sequence[Path], settings: Settings) -> Makers:
    """Models in this process: those that take weights once for each file, the others as they are served.

    Args:
        names: Members of the interactive model family.
        weights: Files of weights.
        settings: Say how models are served.

    Raises:
        UnknownNameError: A name is unknown.
        NothingMeasuredError: There are files but no model that takes them.
    """
    makers: Makers = {}
    options = {name: file_option(name) for name in names}
    if weights and not any(options.values()):
        raise NothingMeasuredError(f"--weights: {', '.join(names)} takes no file of weights.")
    for name, option in options.items():
        if weights and option is not None:
            makers |= {f"{name} {file.name}": ModelMaker(name, ((option, file),)) for file in weights}
        else:
            makers[name] = ModelMaker.as_served(name, settings)
    return makers


@contextmanager
def service_makers(names: Sequence[str], url: str) -> Iterator[Makers]:
    """Models behind the service, each in a project of its own, without post-processors.

    Args:
        names: Members of the interactive model family.
        url: Of a running service; "" starts one that ends with the block.

    Raises:
        StartError: The service did not become ready.
        ServiceAnswerError: It refused a model.
    """
    with ExitStack() as stack:
        files = None
        if not url:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="maskloop-clicks-")))
            settings = private_settings(folder, names[0])
            files = settings.local_files_root
            stack.enter_context(local_service(settings))
            url = f"http://127.0.0.1:{settings.port}"
        makers: Makers = {}
        for number, name in enumerate(names):
            project = f"{999_999_000 + number}.1"  # no real project of a service that is in use
            choice = {"interactive_model": name, "postprocess": []}
            ServiceClient(url).post("/setup", editor_requests.set_up(project, choice))
            makers[f"{name} (http)"] = ServiceMaker(url, project, files)
        yield makers


def choose_jobs(
    console: Console, folder: DataFolder, stems: Sequence[str], *, every: int, min_area: int
) -> list[Job]:
    """Choose the objects.

    Args:
        console: Shows the progress.
        folder: The samples.
        stems: Names of the pictures.
        every: See `plan_jobs`.
        min_area: See `plan_jobs`.

    Raises:
        NothingMeasuredError: No object is left.
    """
    with counting_bar(console) as progress:
        planned = progress.track(
            plan_jobs(folder, stems, every=every, min_area=min_area), len(stems), description="reading masks"
        )
        jobs = [job for job in planned if job is not None]
    if not jobs:
        raise NothingMeasuredError(
            f"The {len(stems)} selected masks in {folder.path} hold no object of {min_area} pixels; "
            "lower --min-area."
        )
    return jobs


def measure(
    console: Console, protocol: ClickProtocol, makers: Makers, jobs: Sequence[Job], workers: int
) -> tuple[list[Column], bool]:
    """Click all objects on everything that is measured; Ctrl-C ends it early.

    Args:
        console: Shows the progress.
        protocol: How to click.
        makers: What is measured.
        jobs: What is clicked.
        workers: Processes.

    Returns:
        What was found so far, and whether that is all.
    """
    columns: list[Column] = []
    results: list[PictureResult] = []
    for title, maker in makers.items():
        results = []
        try:
            with (
                counting_bar(console) as progress,
                closing(run_jobs(protocol, maker, jobs, workers)) as running,
            ):
                bar = progress.add_task(title, total=sum(len(job.objects) for job in jobs))
                for result in running:
                    results.append(result)
                    progress.advance(bar, len(result.objects))
            complete = True
        except KeyboardInterrupt:
            complete = False
        if results:
            suffix = "" if complete else " (interrupted)"
            columns.append(make_column(title + suffix, results, protocol.limits.max_clicks))
        if not complete:
            return columns, False
    return columns, True


def _ignore_id(text: str) -> int | str | None:
    if text in ("auto", "none"):
        return "auto" if text == "auto" else None
    if not text.isdecimal():
        raise typer.BadParameter("auto, none or a number is needed.")
    return int(text)


def _url(text: str | None) -> str | None:
    """The service's address, "" for one to start, None for no service."""
    if text is None:
        return None
    way, _, url = text.partition("=")
    if way != "http" or (url and not url.startswith(("http://", "https://"))):
        raise typer.BadParameter("http or http=http://... is needed.")
    return url


def _drawable(file: Path | None) -> Path | None:
    if file is not None and file.suffix not in (".png", ".svg", ".pdf"):
        raise typer.BadParameter("A name that ends with .png, .svg or .pdf is needed.")
    return in_existing_folder(file)


def main(
    data: Annotated[Path, typer.Option(help="Folder with images/ and masks/.")],
    model: Annotated[list[str], typer.Option(help="Interactive model; give several to compare.")],
    weights: Annotated[
        list[Path] | None, typer.Option(help="File of weights for models that take one; several compare.")
    ] = None,
    clicker: Annotated[str, typer.Option(help="Simulated annotator: centre or jittered.")] = "centre",
    seed: Annotated[int, typer.Option(min=0, help="Of the simulated annotator.")] = 0,
    pattern: Annotated[str, typer.Option(help="Only samples with such names, as in a shell.")] = "*",
    split: Annotated[str | None, typer.Option(help="Only this subset of splits.json.")] = None,
    first: Annotated[int | None, typer.Option(min=1, help="Only the first N samples by name.")] = None,
    last: Annotated[int | None, typer.Option(min=1, help="Only the last N samples by name.")] = None,
    every: Annotated[int, typer.Option(min=1, help="Only every K-th object of the selected samples.")] = 1,
    min_area: Annotated[int, typer.Option(min=1, help="Only objects of so many pixels.")] = 1,
    components: Annotated[
        bool, typer.Option("--components", help="Masks hold classes: each connected component is an object.")
    ] = False,
    ignore_id: Annotated[
        str, typer.Option(help="Number of pixels to ignore: auto (255 where that can be), none, or a number.")
    ] = "auto",
    max_clicks: Annotated[int, typer.Option(min=1, help="Clicks after which an object has failed.")] = 20,
    curve_clicks: Annotated[
        int, typer.Option(min=0, help="Clicks that all objects get for the IoU curve; fewer is faster.")
    ] = 10,
    json_file: Annotated[
        Path | None,
        typer.Option(
            "--json", callback=in_existing_folder, help="Also write everything here, object by object."
        ),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(callback=_drawable, help="Also draw the curves here (PNG, SVG or PDF).")
    ] = None,
    through: Annotated[
        str | None, typer.Option(help="http: click through the service, started here; or http=<its URL>.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes; timings are those of busy cores then.")] = 1,
) -> None:
    """Count the clicks that interactive models need on the objects of a folder."""
    console = Console()
    url, ignored = _url(through), _ignore_id(ignore_id)
    if url is not None and weights:
        raise typer.BadParameter("--weights cannot be given to a service; set it up there.")
    with errors_to_exit(), endings_interrupt(), ExitStack() as stack:
        if plot is not None:
            check_plots()
        CLICKERS.get(clicker)  # a misspelt name is said now, not after all masks are read
        makers = model_makers(model, weights or [], Settings.from_environment())
        folder = DataFolder(data, as_components=components, ignore_id=ignored)
        stems = folder.select(pattern=pattern, split=split, first=first, last=last)
        jobs = choose_jobs(console, folder, stems, every=every, min_area=min_area)
        if url is not None:
            makers = stack.enter_context(service_makers(model, url))
        protocol = ClickProtocol(folder, clicker, seed, Limits(max_clicks, curve_clicks))
        columns, complete = measure(console, protocol, makers, jobs, workers)
        title = f"{data.resolve().name}, clicker {clicker}"
        if columns:
            console.print(table(columns, title))
            console.print(describe_machine())
            if json_file is not None:
                how = {"data": title, "stems": stems, "seed": seed, "every": every, "min_area": min_area}
                write_json(json_file, columns, how | {"max_clicks": max_clicks, "complete": complete})
            if plot is not None:
                draw_curves(plot, columns, title)
    raise typer.Exit(0 if complete else 130)


if __name__ == "__main__":
    typer.run(main)
