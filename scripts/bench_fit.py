"""How long a project waits for its model, and how much slower clicks are while it is trained."""

from __future__ import annotations

import json
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Annotated

import numpy as np
import PIL.Image
import typer
from rich.console import Console
from rich.progress import track

from models.prompts import Click
from scripts import editor_requests
from scripts.backend_server import BackendServer
from scripts.bench_pictures import BenchPicture, draw_cells
from scripts.bench_report import report, summary
from scripts.child_process import endings_interrupt
from scripts.click_load import Sent, click_together, send_click
from scripts.errors import NothingMeasuredError
from scripts.options import errors_to_exit, in_existing_folder
from scripts.service_client import ServiceClient

_PROJECT = "1.1"
_VERSION = "unet-p1-"
_POLL_S = 0.5
_MOST_OBJECTS = 300
"""Enough that no click is made twice and answered from memory."""
_CLICKS_PER_OBJECT = 3


@contextmanager
def running_service(annotations: int, seconds: float) -> Iterator[tuple[ServiceClient, Path]]:
    """Start the service with its worker, and without a Label Studio: annotations come by webhook alone.

    Args:
        annotations: Submissions after which the project is trained.
        seconds: Time of the training.

    Returns:
        A client, and the folder that pictures belong into.
    """
    with ExitStack() as stack:
        stack.enter_context(endings_interrupt())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="maskloop-bench-")))
        files = folder / "files"
        files.mkdir()
        settings = {"LOCAL_FILES_ROOT": str(files), "LOG_LEVEL": "WARNING"}
        nowhere = "http://127.0.0.1:9"
        server = BackendServer(
            label_studio_url=nowhere, api_key=None, state_dir=folder / "state", settings=settings
        )
        stack.enter_context(server)
        client = ServiceClient(server.url)
        client.wait_until_ready(120)
        wanted = {"fit_after": annotations, "fit_quiet_s": 3600, "fit_seconds": seconds, "postprocess": []}
        client.post("/setup", editor_requests.set_up(_PROJECT, wanted))
        yield client, files


def submit(client: ServiceClient, files: Path, number: int, size: int) -> None:
    """Draw a picture and submit its annotation, as Label Studio's webhook does.

    Raises:
        ServiceAnswerError: The service did not take it.
    """
    image, masks = draw_cells(size, number)
    PIL.Image.fromarray(image).save(files / f"{number}.png")
    submitted = editor_requests.task(number, _address(number))
    client.post("/webhook", editor_requests.annotated(submitted, editor_requests.brushed(masks)))


def wait_for_version(client: ServiceClient, since: float, longest_s: float) -> float:
    """Seconds from a moment until a trained version is published.

    Args:
        client: The service.
        since: By `time.monotonic`.
        longest_s: When to give up.

    Raises:
        NothingMeasuredError: There is none after the longest time.
    """
    while (waited := time.monotonic() - since) < longest_s:
        versions = json.loads(client.send("GET", "/versions")[1])["versions"]
        if any(name.startswith(_VERSION) for name in versions):
            return waited
        time.sleep(_POLL_S)
    raise NothingMeasuredError(f"No version was published within {longest_s:.0f} s.")


def _address(number: int) -> str:
    return f"/data/local-files/?d={number}.png"


def _clicked(files: Path, number: int, size: int) -> BenchPicture:
    """A picture that somebody clicks in while others are learned from."""
    image, masks = draw_cells(size, number)
    path = files / f"{number}.png"
    PIL.Image.fromarray(image).save(path)
    rng = np.random.default_rng(number)
    places = [np.argwhere(mask) for mask in masks if mask.any()]
    clicks = []
    for turn in range(_MOST_OBJECTS):
        drawn = rng.choice(places[turn % len(places)], size=_CLICKS_PER_OBJECT)
        clicks.append(tuple(Click(int(row), int(column)) for row, column in drawn))
    return BenchPicture(number, path, (size, size), tuple(clicks))


def _clicks_until(
    ended: threading.Event, client: ServiceClient, pictures: list[BenchPicture], period_s: float
) -> Callable[[], list[Sent]]:
    """Click in a thread of its own until the event; the answer waits for it and has everything sent."""
    sent: list[Sent] = []

    def work() -> None:
        for turn in count(_MOST_OBJECTS // 2):
            if ended.is_set():
                return
            others = [replace(picture, objects=_beginning_at(picture.objects, turn)) for picture in pictures]
            sent.extend(_clicks(client, others, period_s, seconds=period_s * _CLICKS_PER_OBJECT))

    thread = threading.Thread(target=work)
    thread.start()

    def finished() -> list[Sent]:
        ended.set()
        thread.join()
        return sent

    return finished


def _beginning_at(objects: tuple[tuple[Click, ...], ...], number: int) -> tuple[tuple[Click, ...], ...]:
    start = number % len(objects)
    return objects[start:] + objects[:start]


def _clicks(
    client: ServiceClient, pictures: list[BenchPicture], period_s: float, seconds: float
) -> list[Sent]:
    def send(picture: BenchPicture, clicks: tuple[Click, ...]) -> Sent:
        return send_click(client, _PROJECT, _address(picture.number), picture, clicks)

    return click_together(pictures, send, period_s=period_s, seconds=seconds)


def main(
    annotations: Annotated[int, typer.Option(min=4, help="Submitted annotations.")] = 32,
    size: Annotated[int, typer.Option(min=64, help="Height and width of the pictures.")] = 512,
    seconds: Annotated[float, typer.Option(min=5, help="Time that the training may take.")] = 120.0,
    annotators: Annotated[int, typer.Option(min=1, help="People who click all the while.")] = 2,
    period: Annotated[float, typer.Option(min=0.1, help="Seconds between two clicks of a person.")] = 2.0,
    quiet: Annotated[float, typer.Option(min=2, help="Seconds of clicking before the training.")] = 30.0,
    json_file: Annotated[
        Path | None, typer.Option("--json", callback=in_existing_folder, help="Also write the figures here.")
    ] = None,
) -> None:
    """Submit annotations, wait for the model that is trained from them, and click all the while."""
    console = Console()
    with errors_to_exit(), running_service(annotations, seconds) as (client, files):
        clicked = [_clicked(files, 10_000 + number, size) for number in range(annotators)]
        with console.status("clicking, nothing is trained"):
            before = _clicks(client, clicked, period, seconds=quiet)
        for number in track(range(1, annotations + 1), "submitting", transient=True):
            submit(client, files, number, size)
        submitted = time.monotonic()
        ended = threading.Event()
        finished = _clicks_until(ended, client, clicked, period)
        try:
            with console.status("clicking while the model is trained"):
                waited = wait_for_version(client, submitted, 3 * seconds + 120)
        finally:
            during = finished()
        times = {"quiet": before, "while training": during}
        quiet_ms = summary([sent.seconds * 1000 for sent in before])["median_ms"]
        figures = {name: summary([s.seconds * 1000 for s in sent], quiet_ms) for name, sent in times.items()}
        failed = sum(sent.failed for sent in (*before, *during))
        wait = {"seconds": round(waited, 1), "failed_clicks": failed}
        people = f"{annotators} annotators, a click every {period:g} s"
        title = f"{annotations} annotations of {size}² pictures, {people}"
        report(title, {"last submission to published model": wait, **figures}, json_file)
    raise typer.Exit(1 if failed else 0)


if __name__ == "__main__":
    typer.run(main)
