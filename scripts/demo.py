"""Label Studio, Maskloop and a project of real images on this machine; started by `bash scripts/demo.sh`."""

from __future__ import annotations

import fcntl
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.status import Status
from rich.table import Table

from scripts.backend_server import BackendServer
from scripts.child_process import ENDINGS, ChildProcess
from scripts.demo_check import CheckResult, run_checks
from scripts.demo_project import DemoProject, connect_backend, open_project
from scripts.errors import DemoRunningError, StartError
from scripts.label_studio_rest import LabelStudioRest
from scripts.label_studio_server import API_KEY, PASSWORD, USERNAME, LabelStudioServer
from scripts.options import errors_to_exit

ROOT = Path(__file__).resolve().parent.parent
STATE_DIR = ROOT / ".demo"
LABEL_STUDIO_ENVIRONMENT = ROOT / ".venv-label-studio"


@contextmanager
def exclusive(state_dir: Path) -> Iterator[None]:
    """Make the folder if needed and keep a second demo out of it; the lock dies with the process.

    Raises:
        DemoRunningError: Another demo is using the folder.
    """
    state_dir.mkdir(parents=True, exist_ok=True)
    with (state_dir / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DemoRunningError(
                f"A demo is running already (it uses {state_dir}). Stop it first, or use that one."
            ) from None
        yield


def forget(state_dir: Path) -> None:
    """Delete everything of earlier runs but the lock."""
    for entry in state_dir.iterdir():
        if entry.name == "lock":
            continue
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def start_servers(
    stack: ExitStack, console: Console, state_dir: Path, port: int | None, backend_port: int | None
) -> tuple[LabelStudioServer, BackendServer]:
    """Start Label Studio and the service.

    Args:
        stack: Stops them when it is closed.
        console: Shows the progress.
        state_dir: The demo's folder.
        port: Label Studio's port; a free one if None.
        backend_port: The service's port; a free one if None.

    Raises:
        StartError: One of them did not come up.
        LabelStudioMissingError: It is not installed.
    """
    label_studio = LabelStudioServer(LABEL_STUDIO_ENVIRONMENT, state_dir / "label-studio", port=port)
    backend = BackendServer(
        label_studio_url=label_studio.url,
        api_key=API_KEY,
        state_dir=state_dir / "maskloop",
        port=backend_port,
    )
    with console.status("") as status:
        for server in (label_studio, backend):
            stack.callback(server.stop)
            _start(server, status)
            console.print(f"{server.name} is up.")
    return label_studio, backend


def _start(server: ChildProcess, status: Status) -> None:
    server.start(lambda waited: status.update(f"{server.name} starts ({waited:.0f} s)"))


def prepare(rest: LabelStudioRest, console: Console, state_dir: Path, backend_url: str) -> DemoProject:
    """Make or find the project, connect the service, pre-label what is not pre-labelled yet.

    Args:
        rest: Label Studio.
        console: Shows the progress.
        state_dir: The demo's folder.
        backend_url: Where Label Studio reaches the service.

    Raises:
        LabelStudioError: Label Studio refused.
    """
    with console.status("The project is made") as status:
        project = open_project(rest, state_dir, status.update)
        for line in connect_backend(rest, project, backend_url):
            console.print(f"  {line}")
    columns = (TextColumn("Pre-labelling"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console) as progress:
        for task in progress.track(project.tasks):
            rest.retrieve_predictions(project.id, task)
    return project


def welcome(label_studio_url: str, project: DemoProject) -> Panel:
    """What a person needs to begin."""
    return Panel(
        f"Open      [bold]{label_studio_url}/projects/{project.id}/data[/bold]\n"
        f"Log in    [bold]{USERNAME}[/bold]   password [bold]{PASSWORD}[/bold]\n\n"
        "1. Click a row: the picture opens with pre-labels.\n"
        "2. To do one again, select it in the list on the right, press Backspace.\n"
        "   Switch on [bold]Auto-Annotation[/bold] below the picture, take the purple point\n"
        "   tool, choose a label and click the object; Alt+click takes away.\n"
        "   A smart rectangle around it works too.\n"
        "3. Accept the mask with the tick, then press [bold]Submit[/bold].\n\n"
        "Ctrl-C stops everything; the next run finds your work again.",
        title="Maskloop demo",
        expand=False,
    )


def report_checks(results: Sequence[CheckResult]) -> Table:
    """The table of the self-check."""
    table = Table("Check", "Passed", "Answer", "Seconds")
    for result in results:
        table.add_row(result.name, "yes" if result.passed else "NO", result.detail, f"{result.seconds:.1f}")
    return table


def wait_for_interrupt(servers: Sequence[ChildProcess]) -> None:
    """Wait until Ctrl-C raises KeyboardInterrupt; a server that ends by itself is an error.

    Raises:
        StartError: A server ended; the message has the end of its log.
    """
    while True:
        for server in servers:
            if not server.running:
                raise StartError(f"{server.name} ended. The end of {server.log_path}:\n{server.log_tail()}")
        time.sleep(0.5)


def run(console: Console, state_dir: Path, ports: tuple[int | None, int | None], *, check: bool) -> bool:
    """Run the demo, or its self-check, and stop all servers whatever happens.

    Args:
        console: Shows what happens.
        state_dir: The demo's folder, locked by the caller.
        ports: Of Label Studio and of the service; None = a free one.
        check: Stop after the self-check.

    Returns:
        Whether all is well: the checks passed, or a person ended the demo.

    Raises:
        MaskloopError: A server did not come up, ended, or Label Studio refused.
    """
    stack = ExitStack()
    try:
        label_studio, backend = start_servers(stack, console, state_dir, *ports)
        rest = LabelStudioRest(label_studio.url, API_KEY)
        project = prepare(rest, console, state_dir, backend.url)
        if not check:
            console.print(welcome(label_studio.url, project))
            wait_for_interrupt((label_studio, backend))
        results = run_checks(rest, project)
        console.print(report_checks(results))
        return all(result.passed for result in results)
    except KeyboardInterrupt:
        return not check
    finally:
        for ending in ENDINGS:
            signal.signal(ending, signal.SIG_IGN)  # a Ctrl-C now must not leave a server behind
        stack.close()
        console.print("Label Studio and Maskloop are stopped.")


def _interrupt_once(_number: int, _frame: FrameType | None) -> None:
    """End the demo; a second Ctrl-C must not leave a server behind, however soon it comes."""
    for ending in ENDINGS:
        signal.signal(ending, signal.SIG_IGN)
    raise KeyboardInterrupt


def main(
    port: Annotated[int | None, typer.Option(help="Label Studio's port; a free one by default.")] = None,
    backend_port: Annotated[int | None, typer.Option(help="Maskloop's port; a free one by default.")] = None,
    reset: Annotated[bool, typer.Option("--reset", help="Forget the project and its annotations.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Try one pre-label and one click in a fresh demo, then stop.")
    ] = False,
) -> None:
    """Run Label Studio, Maskloop and a demo project until Ctrl-C."""
    for ending in ENDINGS:
        signal.signal(ending, _interrupt_once)  # each of them stops the servers as Ctrl-C does
    with errors_to_exit(), ExitStack() as stack:
        state_dir = STATE_DIR
        if check:  # of its own, so that nothing of earlier runs can help or harm
            state_dir = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="maskloop-check-")))
        stack.enter_context(exclusive(state_dir))
        if reset:
            forget(state_dir)
        all_is_well = run(Console(), state_dir, (port, backend_port), check=check)
    raise typer.Exit(0 if all_is_well else 1)


if __name__ == "__main__":
    typer.run(main)
