"""The command that lists, fetches and makes weights."""

import hashlib
import io
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from rich.console import Console

from models.weights_files import WEIGHTS_FILES
from scripts.errors import DownloadError
from scripts.fetch_weights import fetch
from tests.fakes.http_server import HttpServer, Reply, http_server
from tests.fakes.processes import eventually

ROOT = Path(__file__).resolve().parents[2]
CONTENT = b"weights" * 1000
SMALL = replace(
    WEIGHTS_FILES[0], size_bytes=len(CONTENT), sha256=hashlib.sha256(CONTENT).hexdigest(), licence="CC0-1.0"
)


@pytest.fixture
def server() -> Iterator[HttpServer]:
    with http_server() as book:
        yield book


def start(*arguments: str, state_dir: Path) -> subprocess.Popen[str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("MASKLOOP_")}
    return subprocess.Popen(
        [sys.executable, "-m", "scripts.fetch_weights", *arguments],
        cwd=ROOT,
        env=clean | {"MASKLOOP_STATE_DIR": str(state_dir)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_without_a_name_everything_that_can_be_fetched_is_listed(tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / WEIGHTS_FILES[1].file_name).touch()
    output, errors = start(state_dir=tmp_path).communicate(timeout=60)
    assert errors == ""
    for file in WEIGHTS_FILES:
        assert all(part in output for part in (file.name, file.url, file.sha256, file.licence))
    assert [line.split(", ")[-1] for line in output.splitlines() if "licence" in line] == [
        "not fetched",
        "fetched",
        "not fetched",
    ]


def test_an_unknown_name_is_refused(tmp_path: Path) -> None:
    command = start("sam", state_dir=tmp_path)
    _, errors = command.communicate(timeout=60)
    assert command.returncode == 1
    assert (
        errors
        == "Error: There is no weights file called 'sam'. Known names: sam-vit-b, sam-vit-h, sam-vit-l.\n"
    )


def test_a_fetched_file_is_shown_with_its_licence_and_its_place(server: HttpServer, tmp_path: Path) -> None:
    server.routes["/small.pth"] = Reply(CONTENT)
    text = io.StringIO()
    console = Console(file=text, width=200)
    for _ in range(2):
        fetch(console, SMALL, tmp_path, f"{server.url}/small.pth")
    assert (tmp_path / SMALL.file_name).read_bytes() == CONTENT
    assert len(server.requests) == 1
    assert "CC0-1.0" in text.getvalue()
    assert text.getvalue().count(f"Checked: {tmp_path / SMALL.file_name}") == 2


def test_an_interrupted_download_is_kept_and_said(server: HttpServer, tmp_path: Path) -> None:
    file = WEIGHTS_FILES[0]

    def respond(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(file.size_bytes))
        handler.end_headers()
        handler.wfile.write(b"x" * 2**20)
        command.wait(120)

    server.routes["/file"] = respond
    part = tmp_path / "weights" / f"{file.file_name}.part"
    command = start(file.name, "--url", f"{server.url}/file", state_dir=tmp_path)
    eventually(lambda: part.is_file() and part.stat().st_size > 0)
    command.send_signal(signal.SIGINT)
    output, errors = command.communicate(timeout=60)
    assert (command.returncode, errors) == (130, "")
    assert "Interrupted; run the command again to continue." in output
    assert 0 < part.stat().st_size <= 2**20
    with pytest.raises(DownloadError, match="404"):
        fetch(Console(file=io.StringIO()), file, tmp_path / "weights", f"{server.url}/gone")
    assert server.requests[-1].headers["Range"] == f"bytes={part.stat().st_size}-"
