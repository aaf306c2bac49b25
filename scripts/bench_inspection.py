"""How long it takes to inspect a whole project in a real Label Studio, and how much memory."""

from __future__ import annotations

import resource
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
import PIL.Image
import typer
from pydantic import SecretStr
from rich.console import Console

from backend.settings import Settings
from backend.state.database import open_database
from backend.state.jobs import JobStore
from backend.training import train_project
from scripts.bench_pictures import draw_cells
from scripts.bench_report import report
from scripts.child_process import endings_interrupt
from scripts.editor_requests import CONFIG, brushed
from scripts.errors import NothingMeasuredError
from scripts.inspect_round import RoundOptions, run_round
from scripts.label_studio_rest import LabelStudioRest
from scripts.label_studio_server import API_KEY, LabelStudioServer
from scripts.options import errors_to_exit, in_existing_folder
from scripts.progress import counting_bar

_ENVIRONMENT = Path(__file__).resolve().parents[1] / ".venv-label-studio"
_LEARNED_FROM = 9
"""Enough to hold one out, and too few objects for a click model of the project's own."""
_TASKS_AT_ONCE = 200
_ENLARGED = 2
"""Cells are drawn this many times smaller, because drawing takes longer than inspecting."""


def main(
    annotations: Annotated[int, typer.Option(min=_LEARNED_FROM + 1, help="Annotated pictures.")] = 10_000,
    size: Annotated[int, typer.Option(min=64, help="Height and width of the pictures.")] = 512,
    seconds: Annotated[
        float, typer.Option(min=0, help="Training of the version that is asked, too; 0 for none.")
    ] = 120.0,
    json_file: Annotated[
        Path | None, typer.Option("--json", callback=in_existing_folder, help="Also write the figures here.")
    ] = None,
) -> None:
    """Fill a fresh Label Studio (SQLite) with annotated pictures, and time the first and the next round."""
    console = Console()
    with errors_to_exit(), endings_interrupt(), ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="maskloop-bench-")))
        server = LabelStudioServer(_ENVIRONMENT, folder / "label-studio")
        with console.status("Label Studio starts"):
            stack.enter_context(server)
        settings = Settings(
            state_dir=folder / "state",
            label_studio_url=server.url,
            label_studio_api_key=SecretStr(API_KEY),
            local_files_root=server.files_root,
            fit_seconds=seconds or 1.0,
        )
        rest = LabelStudioRest(server.url, API_KEY)
        project_id = rest.create_project("bench", CONFIG)
        fill(console, rest, project_id, server.files_root, range(_LEARNED_FROM), size)
        if seconds:
            train(console, settings, project_id)
        fill(console, rest, project_id, server.files_root, range(_LEARNED_FROM, annotations), size)
        rows = {name: timed_round(console, settings, project_id) for name in ("first round", "next round")}
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    how = {"annotations": annotations, "size": size, "trained for": seconds}
    report(
        f"Inspecting a project: {how}", rows | {"memory": {"peak_mib": float(round(peak))}}, json_file, how
    )


def fill(
    console: Console, rest: LabelStudioRest, project_id: int, files: Path, numbers: range, size: int
) -> None:
    """Draw pictures of cells, each another, and import them with annotations.

    Args:
        console: Shows the progress.
        rest: Label Studio.
        project_id: A project with `CONFIG`.
        files: Root of Label Studio's local files.
        numbers: Of the pictures; each is the seed of one.
        size: Height and width in pixels.
    """
    with counting_bar(console) as progress:
        bar = progress.add_task("Annotating", total=len(numbers))
        for start in range(0, len(numbers), _TASKS_AT_ONCE):
            page = numbers[start : start + _TASKS_AT_ONCE]
            tasks = [_annotated(files, number, size) for number in page]
            rest.call("POST", f"/api/projects/{project_id}/import", json=tasks)
            progress.advance(bar, len(page))


def _annotated(files: Path, number: int, size: int) -> dict[str, Any]:
    image, masks = draw_cells(size // _ENLARGED, number)
    large = cv2.resize(image, (size, size), interpolation=cv2.INTER_CUBIC)
    PIL.Image.fromarray(large).save(files / f"{number}.jpg", quality=90)
    enlarged = [
        cv2.resize(mask.astype(np.uint8), (size, size), interpolation=cv2.INTER_NEAREST) > 0 for mask in masks
    ]
    annotation = {"result": brushed(enlarged)}
    return {"data": {"image": f"/data/local-files/?d={number}.jpg"}, "annotations": [annotation]}


def train(console: Console, settings: Settings, project_id: int) -> None:
    """Train a version from what is annotated so far; the round says whether it is asked."""
    jobs = JobStore(open_database(settings.resolved_database_url))
    jobs.queue(project_id, "a benchmark")
    job = jobs.take()
    if job is None:
        raise NothingMeasuredError("The training that was queued is not there.")
    with console.status("Training"):
        result = train_project(settings, job, lambda stage, share: None)
    console.print(result.message, markup=False)


def timed_round(console: Console, settings: Settings, project_id: int) -> dict[str, float]:
    """Inspect the project; returns the seconds that it took."""
    started = time.monotonic()
    run_round(console, settings, project_id, RoundOptions(None, None, None, None, 200, False, False))
    return {"seconds": round(time.monotonic() - started, 1)}


if __name__ == "__main__":
    typer.run(main)
