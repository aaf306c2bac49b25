"""What the service adds to a model: HTTP in to HTTP out with models that do nothing.

A real server process answers smart clicks on a picture that is cached already, over a new connection each
time, as Label Studio calls. The models return a fixed disc, so all the time is ours: HTTP, parsing, labelling
config, caches, post-processing, run-length encoding. `/health` in the same run is the baseline.
"""

from __future__ import annotations

import http.client
import json
import multiprocessing
import os
import platform
import tempfile
import time
from pathlib import Path
from typing import Annotated, ClassVar

import cv2
import numpy as np
import typer
from flask import Flask
from rich.console import Console
from rich.progress import track
from rich.table import Table

from backend.app import create_app
from backend.settings import Settings
from models.arrays import Image, Mask
from models.interactive.base import Embedding, InteractiveModel, Prediction
from models.prelabel.base import PreLabeller, PreLabels
from models.prompts import Prompts
from models.regions import Region
from models.registry import Registry
from scripts.child_process import free_port
from scripts.serve import Server

_CONFIG = """<View><Image name="image" value="$image"/>
  <BrushLabels name="brush" toName="image" smart="false"><Label value="Object"/></BrushLabels>
  <KeyPointLabels name="point" toName="image" smart="true"><Label value="Object"/></KeyPointLabels></View>"""


def _disc(height: int, width: int) -> Mask:
    canvas = np.zeros((height, width), np.uint8)
    cv2.circle(canvas, (width // 2, height // 2), min(height, width) // 6, 1, -1)
    return canvas.astype(bool)


class _NoOpInteractive(InteractiveModel[Embedding]):
    name: ClassVar[str] = "no-op"
    version: ClassVar[str] = "no-op-1"

    def encode(self, image: Image) -> Embedding:
        return Embedding((image.shape[0], image.shape[1]))

    def segment(
        self, embedding: Embedding, prompts: Prompts, previous: Prediction | None = None
    ) -> Prediction:
        return Prediction(_disc(*embedding.size_hw), 1.0)


class _NoOpPreLabeller(PreLabeller):
    name: ClassVar[str] = "no-op"
    version: ClassVar[str] = "no-op-1"
    classes = ("object",)

    def predict(self, image: Image) -> PreLabels:
        region = Region.from_mask(_disc(image.shape[0], image.shape[1]), "object")
        return PreLabels((region,) if region else (), (), 1.0)


def _build(settings: Settings) -> Flask:
    return create_app(
        settings,
        interactive_models=Registry("interactive model", [_NoOpInteractive]),
        prelabellers=Registry("pre-labeller", [_NoOpPreLabeller]),
    )


def _serve(settings: Settings) -> None:
    Server(settings, _build).run()


def _request(port: int, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def _wait_until_ready(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if _request(port, "GET", "/ready")[0] == 200:
                return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError("The server did not become ready within 60 s.")


def _time_ms(port: int, repeats: int, title: str, method: str, path: str, body: bytes | None) -> list[float]:
    times = []
    for number in track(range(repeats + 10), description=title, transient=True):
        started = time.perf_counter()
        status, answer = _request(port, method, path, body)
        elapsed = (time.perf_counter() - started) * 1000
        if status not in (200, 201) or (
            b"results" in answer and not json.loads(answer)["results"][0]["result"]
        ):
            raise RuntimeError(f"{path} answered {status}: {answer[:200]!r}")
        if number >= 10:  # the first ones fill caches
            times.append(elapsed)
    return times


def _requests(size: int) -> dict[str, tuple[str, bytes]]:
    """Path and body of each request that is timed."""
    task = {"id": 1, "project": 1, "data": {"image": f"/data/local-files/?d=bench/{size}.png"}}
    base = {"tasks": [task], "project": "1.1", "label_config": _CONFIG}
    click = {
        "id": "click",
        "type": "keypointlabels",
        "from_name": "point",
        "to_name": "image",
        "original_width": size,
        "original_height": size,
        "image_rotation": 0,
        "is_positive": True,
        "value": {"x": 50.0, "y": 50.0, "width": 0.2, "keypointlabels": ["Object"]},
    }
    event = {
        "action": "ANNOTATION_CREATED",
        "project": {"id": 1, "label_config": _CONFIG},
        "task": task,
        "annotation": {"id": 1, "result": [click] * 50},
    }
    return {
        "smart click": ("/predict", _json(base | {"params": {"context": {"result": [click]}}})),
        "open a task": ("/predict", _json(base | {"params": {"context": None}})),
        "setup": ("/setup", _json({"project": "1.1", "schema": _CONFIG, "extra_params": {}})),
        "webhook": ("/webhook", _json(event)),
    }


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


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
        server = multiprocessing.get_context("spawn").Process(target=_serve, args=(settings,))
        server.start()
        try:
            _wait_until_ready(settings.port)
            rows = {"health": _time_ms(settings.port, repeats, "health", "GET", "/health", None)}
            for title, (path, body) in _requests(size).items():
                rows[title] = _time_ms(settings.port, repeats, title, "POST", path, body)
        finally:
            server.terminate()
            server.join(15)
    _report(rows, size, json_file)


def _report(rows: dict[str, list[float]], size: int, json_file: Path | None) -> None:
    processor = platform.processor() or platform.machine()
    machine = f"{processor}, {os.cpu_count()} cores, Python {platform.python_version()}"
    baseline = float(np.median(rows["health"]))
    figures = {
        title: {
            "median_ms": round(float(np.median(times)), 2),
            "p95_ms": round(float(np.percentile(times, 95)), 2),
            "ratio_to_health": round(float(np.median(times)) / baseline, 2),
        }
        for title, times in rows.items()
    }
    table = Table("request", "median ms", "p95 ms", "× /health", title=f"{size}² picture, {machine}")
    for title, row in figures.items():
        table.add_row(title, *(str(value) for value in row.values()))
    Console().print(table)
    if json_file is not None:
        json_file.write_text(
            json.dumps({"machine": machine, "size": size, "figures": figures}, indent=1) + "\n"
        )


if __name__ == "__main__":
    typer.run(main)
