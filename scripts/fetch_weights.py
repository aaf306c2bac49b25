"""Fetch published weights into the state folder, or list them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.progress import TransferSpeedColumn as SpeedColumn

from backend.settings import Settings
from models.weights_files import WEIGHTS_FILES, WeightsFile, weights_file
from scripts.download import Promised, download
from scripts.options import errors_to_exit

_INTERRUPTED = 130
"""Exit status of a program that Ctrl-C ended."""


def main(
    name: Annotated[str | None, typer.Argument(help="Which weights; without it they are listed.")] = None,
    folder: Annotated[
        Path | None, typer.Option(help="Where to put them; default weights/ in MASKLOOP_STATE_DIR.")
    ] = None,
    url: Annotated[
        str | None, typer.Option(help="Another address of the same file, such as a mirror.")
    ] = None,
    random: Annotated[
        bool, typer.Option("--random", help="Make random weights of that size instead, to measure speed.")
    ] = False,
) -> None:
    """Download weights, continuing where an earlier attempt stopped, and check their SHA-256.

    A file is there completely and checked, or not at all. Fetching it again does nothing.
    """
    console = Console()
    with errors_to_exit():
        folder = folder or Settings.from_environment().weights_dir
        if name is None:
            for file in WEIGHTS_FILES:
                _describe(console, file, folder)
        elif random:
            _write_random(console, weights_file(name), folder)
        else:
            fetch(console, weights_file(name), folder, url)


def _describe(console: Console, file: WeightsFile, folder: Path) -> None:
    state = "fetched" if (folder / file.file_name).is_file() else "not fetched"
    console.print(f"[bold]{file.name}[/bold]  {_size(file)}, licence {file.licence}, {state}")
    for line in (file.url, f"SHA-256 {file.sha256}", f"from {file.page}"):
        console.print(f"  {line}", soft_wrap=True, highlight=False)


def fetch(console: Console, file: WeightsFile, folder: Path, url: str | None = None) -> None:
    """Download a file and show how far it is.

    Args:
        console: Where to show it.
        file: What to fetch.
        folder: Where to put it.
        url: Another address than the published one.

    Raises:
        DownloadError: See `download`.
        typer.Exit: Ctrl-C was pressed; what came is kept.
    """
    _describe(console, file, folder)
    target = folder / file.file_name
    columns = (TextColumn(file.name), BarColumn(), DownloadColumn(), SpeedColumn(), TimeRemainingColumn())
    try:
        with Progress(*columns, console=console) as progress:
            bar = progress.add_task(file.name, total=file.size_bytes)
            download(
                url or file.url,
                target,
                Promised(file.size_bytes, file.sha256),
                on_progress=lambda n_bytes: progress.update(bar, completed=n_bytes),
            )
    except KeyboardInterrupt:
        console.print("Interrupted; run the command again to continue.")
        raise typer.Exit(_INTERRUPTED) from None
    console.print(f"Checked: {target}", soft_wrap=True)


def _write_random(console: Console, file: WeightsFile, folder: Path) -> None:
    # Imported here: torch takes a second, --help and the list should not.
    from safetensors.torch import save_file

    from models.networks.sam import random_state

    target = folder / f"{file.name}-random.safetensors"
    folder.mkdir(parents=True, exist_ok=True)
    save_file(random_state(file.name.removeprefix("sam-").replace("-", "_")), target)
    console.print(
        f"{target}\nAs fast as {file.name}, but its masks mean nothing. "
        f"Measure with MASKLOOP_INTERACTIVE_MODEL=sam MASKLOOP_SAM_CHECKPOINT={target}",
        soft_wrap=True,
    )


def _size(file: WeightsFile) -> str:
    return f"{file.size_bytes / 1e6:,.0f} MB"


if __name__ == "__main__":
    typer.run(main)
