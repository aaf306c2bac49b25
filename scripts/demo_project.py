"""The demo's project in Label Studio: made once, found again, connected and pre-labelled."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from backend.labelstudio.client import LabelStudioClient
from backend.services.connection import Connection, connect
from scripts.demo_images import DEMO_IMAGES
from scripts.label_studio_rest import LabelStudioRest

TITLE = "Maskloop demo"
TEMPLATE = Path(__file__).with_name("templates") / "brush-masks.xml"
_NOTE = "project.json"

Report = Callable[[str], None]


@dataclass(frozen=True)
class DemoProject:
    """The project and its tasks.

    Attributes:
        id: Its number.
        tasks: Numbers of its tasks, ascending; the first is the picture of coins.
    """

    id: int
    tasks: tuple[int, ...]


def open_project(rest: LabelStudioRest, state_dir: Path, report: Report) -> DemoProject:
    """Find the project of an earlier run, or make it.

    Args:
        rest: Label Studio.
        state_dir: Folder that remembers the project's number between runs.
        report: Told what happens.

    Raises:
        LabelStudioError: Label Studio refused.
    """
    note = state_dir / _NOTE
    if note.exists():
        number = int(json.loads(note.read_text())["project"])
        projects = rest.call("GET", "/api/projects", params={"ids": number})["results"]
        if projects:
            report(f"Project {number} of the last run is used again.")
            return DemoProject(number, tuple(rest.task_ids(number)))
    number = rest.create_project(TITLE, TEMPLATE.read_text())
    for image in DEMO_IMAGES:
        report(f"Uploading {image.name}")
        rest.upload(number, image.name, image.png())
    note.write_text(json.dumps({"project": number}))  # last: a half-made project is not used again
    return DemoProject(number, tuple(rest.task_ids(number)))


def connect_backend(rest: LabelStudioRest, project: DemoProject, backend_url: str) -> list[str]:
    """Connect the service at its present address, and forget it at the addresses of earlier runs.

    Args:
        rest: Label Studio.
        project: The project.
        backend_url: Where Label Studio reaches the service.

    Returns:
        What was done, one sentence each.

    Raises:
        LabelStudioError: Label Studio refused.
    """
    for model in rest.models(project.id):
        if model["url"] != backend_url:
            rest.call("DELETE", f"/api/ml/{model['id']}")
    for hook in rest.call("GET", "/api/webhooks/", params={"project": project.id}):
        if not hook["url"].startswith(f"{backend_url}/"):
            rest.call("DELETE", f"/api/webhooks/{hook['id']}/")
    with httpx.Client(trust_env=False) as http:
        client = LabelStudioClient(rest.url, rest.api_key, http=http)
        return connect(client, Connection(project.id, backend_url))
