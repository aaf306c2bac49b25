"""What the service adds to a model: HTTP in to HTTP out with models that do nothing.

A real server process answers smart clicks on a picture that is cached already, over a new connection each
time, as Label Studio calls. The models return a fixed disc, so all the time is ours: HTTP, parsing, labelling
config, caches, post-processing, run-length encoding. `/health` in the same run is the baseline.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer
from flask import Flask
from rich.progress import track

from backend.app import create_app
from backend.settings import Settings
from models.prompts import Click
from models.registry import Registry
from scripts import editor_requests
from scripts.bench_report import report, summary
from scripts.child_process import free_port
from scripts.errors import ServiceAnswerError
from scripts.local_service import local_service
from scripts.noop_models import NoOpInteractive, NoOpPreLabeller
from scripts.service_client import ServiceClient


def _build(settings: Settings) -> Flask:
    return create_app(
        settings,
        interactive_models=Registry("interactive model", [NoOpInteractive]),
        prelabellers=Registry("pre-labeller", [NoOpPreLabeller]),
    )


def _time_ms(
    client: ServiceClient, repeats: int, title: str, method: str, path: str, body: bytes | None
) -> list[float]:
    times = []
    for number in track(range(repeats + 10), description=title, transient=True):
        started = time.perf_counter()
        status, answer = client.send(method, path, body)
        elapsed = (time.perf_counter() - started) * 1000
        if status not in (200, 201) or (
            b"results" in answer and not json.loads(answer)["results"][0]["result"]
        ):
            raise ServiceAnswerError(f"{path} answered {status}: {answer[:200]!r}")
        if number >= 10:  # the first ones fill caches
            times.append(elapsed)
    return times


def _requests(size: int) -> dict[str, tuple[str, bytes]]:
    """Path and body of each request that is timed."""
    task = editor_requests.task(1, f"/data/local-files/?d=bench/{size}.png")
    middle = Click(size / 2, size / 2)
    return {
        "smart click": ("/predict", editor_requests.smart_click("1.1", task, [middle], (size, size))),
        "open a task": ("/predict", editor_requests.open_task("1.1", task)),
        "setup": ("/setup", editor_requests.set_up("1.1", {})),
        "webhook": ("/webhook", editor_requests.submission(task, 50)),
    }


def main(
    repeats: Annotated[int, typer.Option(min=10, help="Requests per line of the table.")] = 300,
    size: Annotated[int, typer.Option(min=16, help="Height and width of the picture.")] = 1024,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the figures here.")] = None,
) -> None:
    """Measure the overhead of the service around models that do nothing."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "files"
        (root / "bench").mkdir(parents=True)
        noise = np.random.default_rng(0).integers(0, 255, (size, size, 3), np.uint8)
        cv2.imwrite(str(root / "bench" / f"{size}.png"), noise)
        settings = Settings(
            port=free_port(),
            state_dir=Path(folder) / "state",
            label_studio_url="http://127.0.0.1:9",
            local_files_root=root,
            interactive_model="no-op",
            prelabeller="no-op",
            log_level="WARNING",
        )
        with local_service(settings, _build) as (client, _):
            rows = {"health": _time_ms(client, repeats, "health", "GET", "/health", None)}
            for title, (path, body) in _requests(size).items():
                rows[title] = _time_ms(client, repeats, title, "POST", path, body)
    baseline = float(np.median(rows["health"]))
    figures = {title: summary(times, baseline) for title, times in rows.items()}
    report(f"{size}² picture; ratios to /health", figures, json_file)


if __name__ == "__main__":
    typer.run(main)
