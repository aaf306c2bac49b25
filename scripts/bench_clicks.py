"""How long annotators wait for masks: one alone, many at once, and for hours.

A real server process answers smart clicks on drawn pictures in a folder, each over a new connection, as Label
Studio calls. The MASKLOOP_* settings apply, but for addresses, folders and post-processors, which are off.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from flask import Flask
from rich.console import Console
from rich.progress import track

from backend.app import create_app
from backend.settings import Settings
from models.interactive import INTERACTIVE_MODELS
from models.interactive.base import InteractiveModel
from models.prompts import Click
from models.registry import Registry
from scripts import editor_requests
from scripts.bench_pictures import BenchPicture, draw_pictures
from scripts.bench_report import report, summary
from scripts.child_process import endings_interrupt
from scripts.click_load import Check, Sent, check_masks, click_together, send_click
from scripts.click_runs import ModelMaker
from scripts.errors import NothingMeasuredError, ServiceAnswerError
from scripts.local_service import local_service, private_settings
from scripts.memory_watch import resident_bytes, sizes_in_metrics
from scripts.noop_models import NoOpInteractive
from scripts.options import errors_to_exit, in_existing_folder
from scripts.service_client import ServiceClient

_PROJECT, _NOOP_PROJECT = "1.1", "2.1"
_WARM_UP = 0.2
"""Share of the clicks in which caches fill; memory should not grow later."""
_SAMPLES = 100

app = typer.Typer(help=__doc__)
Model = Annotated[str, typer.Option(help="Interactive model.")]
Size = Annotated[int, typer.Option(min=64, help="Height and width of the pictures.")]
JsonFile = Annotated[
    Path | None,
    typer.Option("--json", callback=in_existing_folder, help="Also write the figures here."),
]


@dataclass(frozen=True)
class Bench:
    """A running service with pictures.

    Attributes:
        client: Talks to it.
        pid: Its process.
        pictures: At least one.
    """

    client: ServiceClient
    pid: int
    pictures: Sequence[BenchPicture]

    def click(self, picture: BenchPicture, clicks: tuple[Click, ...]) -> Sent:
        """Send one smart click to the model."""
        return send_click(self.client, _PROJECT, _address(picture), picture, clicks)

    def timed(self, project: str, picture: BenchPicture, clicks: tuple[Click, ...]) -> float:
        """Send one smart click that must succeed, and return the milliseconds.

        Raises:
            ServiceAnswerError: It failed.
        """
        sent = send_click(self.client, project, _address(picture), picture, clicks)
        if sent.failed:
            raise ServiceAnswerError(f"/predict answered {sent.status}: {sent.answer[:300]!r}")
        return sent.seconds * 1000

    def open_task(self, picture: BenchPicture) -> None:
        """Open the task, as Label Studio does before anybody can click.

        Raises:
            ServiceAnswerError: It failed.
        """
        task = editor_requests.task(picture.number, _address(picture))
        self.client.post("/predict", editor_requests.open_task(_PROJECT, task))


@contextmanager
def running_bench(model: str, n_pictures: int, size: int) -> Iterator[Bench]:
    """Draw pictures and start the service; both are gone after the block.

    Args:
        model: The interactive model. The one that does nothing is there too.
        n_pictures: How many to draw.
        size: Their height and width in pixels.

    Raises:
        MaskloopError: The model is unknown, its weights are missing, or the service did not become ready.
    """
    INTERACTIVE_MODELS.get(model)
    with ExitStack() as stack:
        stack.enter_context(endings_interrupt())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="maskloop-bench-")))
        settings = private_settings(folder, model)
        drawn = draw_pictures(folder / "files", n_pictures, size)
        pictures = list(track(drawn, "drawing pictures", n_pictures, transient=True))
        client, pid = stack.enter_context(local_service(settings, _build))
        for project, name in ((_PROJECT, model), (_NOOP_PROJECT, NoOpInteractive.name)):
            choice = {"interactive_model": name, "postprocess": []}
            client.post("/setup", editor_requests.set_up(project, choice))
        yield Bench(client, pid, pictures)


def _build(settings: Settings) -> Flask:
    models: list[type[InteractiveModel[Any]]] = [
        INTERACTIVE_MODELS.get(name) for name in INTERACTIVE_MODELS.names
    ]
    return create_app(settings, interactive_models=Registry("interactive model", [*models, NoOpInteractive]))


def _address(picture: BenchPicture) -> str:
    return f"/data/local-files/?d={picture.path.name}"


@app.command()
def latency(
    model: Model,
    pictures: Annotated[
        int, typer.Option(min=2, help="Half of them are opened before the first click.")
    ] = 20,
    size: Size = 1024,
    think: Annotated[
        float, typer.Option(min=0, help="Seconds from opening a task to its first click.")
    ] = 1.0,
    json_file: JsonFile = None,
) -> None:
    """Time one annotator's clicks, next to a model that does nothing."""
    rows: dict[str, list[float]] = {
        "click": [],
        "click, no-op model": [],
        "first click, task opened before": [],
        "first click, task not opened": [],
    }
    with errors_to_exit(), running_bench(model, pictures, size) as bench:
        for clicks in bench.pictures[0].requests():  # libraries prepare themselves; not counted
            bench.timed(_PROJECT, bench.pictures[0], clicks)
        for picture in track(bench.pictures[1:], "clicking", transient=True):
            kind = "first click, task not opened"
            if picture.number % 2:
                bench.open_task(picture)
                time.sleep(think)
                kind = "first click, task opened before"
            for place, clicks in enumerate(picture.requests()):
                rows[kind if place == 0 else "click"].append(bench.timed(_PROJECT, picture, clicks))
                rows["click, no-op model"].append(bench.timed(_NOOP_PROJECT, picture, clicks))
    baseline = float(np.median(rows["click, no-op model"]))
    figures = {name: summary(times, baseline) for name, times in rows.items() if times}
    report(f"{model}, {size}² pictures; ratios to the no-op model", figures, json_file)


@app.command()
def annotators(
    model: Model,
    annotators: Annotated[int, typer.Option(min=1, help="People who click at the same time.")] = 16,
    period: Annotated[
        float, typer.Option(min=0, help="Seconds from one click of a person to the next.")
    ] = 2.0,
    seconds: Annotated[float, typer.Option(min=1, help="How long they click.")] = 60.0,
    size: Size = 1024,
    json_file: JsonFile = None,
) -> None:
    """Let many annotators click, each in another picture, and check every mask."""
    with errors_to_exit():
        with running_bench(model, annotators, size) as bench, Console().status("") as status:
            for picture in bench.pictures:
                status.update(f"task {picture.number} is opened")
                bench.open_task(picture)
            status.update(f"{annotators} annotators click for {seconds:.0f} s")
            sent = click_together(bench.pictures, bench.click, period_s=period, seconds=seconds)
            check = Check()
            target = ModelMaker.as_served(model, Settings.from_environment())()
            for check in check_masks(sent, target):
                status.update(f"{check.n_checked} of {len(sent)} masks checked")
        answered = [item.seconds * 1000 for item in sent if not item.failed]
        if not answered:
            raise NothingMeasuredError(f"None of {len(sent)} clicks was answered: {sent[0].answer[:300]!r}")
        figures = {
            "clicks": summary(answered),
            "answers": {
                "sent": len(sent),
                "errors": len(sent) - len(answered),
                "wrong_masks": check.n_wrong,
                "identical_masks": check.n_identical,
                "lowest_iou": round(check.worst_iou, 4),
            },
        }
        title = f"{model}, {annotators} annotators, a click every {period:g} s, {size}² pictures"
        report(title, figures, json_file)
    raise typer.Exit(1 if figures["answers"]["errors"] or check.n_wrong else 0)


@app.command()
def memory(
    model: Model,
    clicks: Annotated[int, typer.Option(min=100, help="How many, over all pictures.")] = 10_000,
    images: Annotated[int, typer.Option(min=1, help="Pictures.")] = 200,
    size: Size = 1024,
    json_file: JsonFile = None,
) -> None:
    """Watch the service's memory while all tasks are opened and pictures are clicked in turn."""
    samples: list[tuple[int, int]] = []
    with errors_to_exit(), running_bench(model, images, size) as bench:
        every = max(1, clicks // _SAMPLES)
        for picture in track(bench.pictures, "opening tasks", transient=True):
            bench.open_task(picture)
        requests = track(_rounds(bench.pictures, clicks), "clicking", clicks, transient=True)
        for number, (picture, prompts) in enumerate(requests, start=1):
            bench.timed(_PROJECT, picture, prompts)
            if number % every == 0 or number in (1, clicks):
                samples.append((number, resident_bytes(bench.pid)))
        sizes = sizes_in_metrics(bench.client.send("GET", "/metrics")[1].decode())
    settled = [sample for sample in samples if sample[0] > _WARM_UP * clicks]
    made, held = np.array(settled, dtype=np.float64).T
    growth = float(np.polyfit(made, held, deg=1)[0])
    resident = {
        "first": _mebibytes(samples[0][1]),
        "after warm-up": _mebibytes(settled[0][1]),
        "last": _mebibytes(settled[-1][1]),
        "max after warm-up": _mebibytes(held.max()),
        "growth per 1000 clicks": _mebibytes(1000 * growth),
    }
    caches = {name: {"held": _mebibytes(size)} for name, size in sizes.items()}
    curve = {"samples": [[number, _mebibytes(size)] for number, size in samples]}
    title = f"{model}, {clicks} clicks on {images} pictures of {size}², MiB; growth after warm-up"
    report(title, {"resident": resident, **caches}, json_file, curve)


def _rounds(
    pictures: Sequence[BenchPicture], clicks: int
) -> Iterator[tuple[BenchPicture, tuple[Click, ...]]]:
    """Go through the pictures again and again, one object each time, until so many clicks are made."""
    made = turn = 0
    while True:
        for picture in pictures:
            prompts = picture.objects[turn % len(picture.objects)]
            for number in range(1, len(prompts) + 1):
                yield picture, prompts[:number]
                made += 1
                if made == clicks:
                    return
        turn += 1


def _mebibytes(value: float) -> float:
    return round(value / 2**20, 2)


if __name__ == "__main__":
    app()
