"""How long it takes from figures of all tasks to the order in which a real Label Studio asks them."""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import SecretStr
from rich.console import Console

from backend.labelstudio.task_listing import TaskChoice, chosen_tasks
from backend.parts import needed_label_studio_api
from backend.queueing import labelled_project, open_queue
from backend.services.queue_round import QueueWish
from backend.settings import Settings
from backend.state.database import open_database
from scripts.bench_queue_project import CONFIG, annotate, import_tasks, make_up_figures, make_version
from scripts.bench_report import report
from scripts.child_process import endings_interrupt
from scripts.label_studio_rest import LabelStudioRest
from scripts.label_studio_server import API_KEY, LabelStudioServer
from scripts.options import errors_to_exit, in_existing_folder
from scripts.progress import counting_bar
from scripts.select_tasks import parse_selector

_ENVIRONMENT = Path(__file__).resolve().parents[1] / ".venv-label-studio"
_ASKED = 5
"""Next tasks that are timed."""


def main(
    tasks: Annotated[int, typer.Option(min=10, help="Tasks of the project.")] = 100_000,
    labelled: Annotated[int, typer.Option(min=0, help="Tasks that are annotated.")] = 32,
    selector: Annotated[str, typer.Option(callback=parse_selector, help="What decides.")] = "auto",
    budget: Annotated[int, typer.Option(min=1, help="Tasks chosen together.")] = 64,
    regions: Annotated[int, typer.Option(min=0, help="Rectangles in each pre-label.")] = 5,
    json_file: Annotated[
        Path | None, typer.Option("--json", callback=in_existing_folder, help="File for the figures.")
    ] = None,
) -> None:
    """Fill a fresh Label Studio (SQLite) with tasks, make up what a version says of them, and time a round.

    The pictures do not exist: looking at them is not part of what is measured.
    """
    console = Console()
    with errors_to_exit(), endings_interrupt(), ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="maskloop-bench-")))
        server = LabelStudioServer(_ENVIRONMENT, folder / "label-studio")
        with console.status("Label Studio starts"):
            stack.enter_context(server)
        settings = Settings(
            state_dir=folder / "state", label_studio_url=server.url, label_studio_api_key=SecretStr(API_KEY)
        )
        rest = LabelStudioRest(server.url, API_KEY)
        project_id = rest.create_project("bench", CONFIG)
        fill(console, settings, rest, project_id, (tasks, labelled, regions), folder / "network")
        rows = measure(console, settings, rest, project_id, QueueWish(selector, budget, seed=0))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
        rows["memory"] = {"peak_mib": float(round(peak))}
    how = {"tasks": tasks, "labelled": labelled, "selector": selector, "regions": regions}
    report(f"A round of the queue: {how}", rows, json_file, how)


def fill(
    console: Console,
    settings: Settings,
    rest: LabelStudioRest,
    project_id: int,
    sizes: tuple[int, int, int],
    scratch: Path,
) -> None:
    """Make the project and what is known of it.

    Args:
        console: Shows the progress.
        settings: The service's.
        rest: Label Studio.
        project_id: An empty project.
        sizes: Number of tasks, of annotated ones, and of rectangles in each pre-label.
        scratch: Folder for a network; made.
    """
    n_tasks, n_labelled, n_regions = sizes
    project = labelled_project(settings, project_id)
    with counting_bar(console) as progress:
        bar = progress.add_task("Importing tasks", total=n_tasks)
        numbers: list[int] = []
        for page in import_tasks(rest, project_id, n_tasks):
            numbers += page
            progress.update(bar, completed=len(numbers))
        annotate(rest, numbers[:n_labelled])
        version = make_version(settings, project_id, scratch)
        listed = list(chosen_tasks(needed_label_studio_api(settings), project_id, TaskChoice()))
        bar = progress.add_task("Making up figures", total=n_tasks)
        for done in make_up_figures(settings, project, version, listed, n_regions):
            progress.update(bar, completed=done)


def measure(
    console: Console, settings: Settings, rest: LabelStudioRest, project_id: int, wish: QueueWish
) -> dict[str, dict[str, float]]:
    """Time a round, the same round again, and what annotators wait for their next tasks."""
    engine = open_database(settings.resolved_database_url)
    project = labelled_project(settings, project_id)
    rows: dict[str, dict[str, float]] = {}

    def timed(name: str, step: Callable[[], Any]) -> Any:
        started = time.monotonic()
        with console.status(name):
            found = step()
        rows[name] = {"seconds": round(time.monotonic() - started, 2)}
        return found

    with open_queue(settings, engine, project, wish) as queue:
        plan = timed("list the tasks", queue.rounding.plan)
        order = timed("put them in order", lambda: queue.rounding.order(plan))
        timed("import and switch over", lambda: queue.rounding.follow(order))
        rows["from figures to the active order"] = {
            "seconds": round(sum(row["seconds"] for row in rows.values()), 2)
        }
        again = timed(
            "list again, nothing has changed", lambda: queue.rounding.unchanged(queue.rounding.plan())
        )
    for place in range(_ASKED):
        query = {"id": "next_task", "project": project_id}
        body = {"project": str(project_id)}
        asked = timed(
            f"next task {place + 1}",
            lambda: rest.call("POST", "/api/dm/actions/", params=query, json=body),  # noqa: B023 - called at once
        )
        if again is None or asked["id"] != order.task_ids[place]:
            console.print(f"[red]Label Studio asked task {asked['id']}, not {order.task_ids[place]}.[/red]")
            raise typer.Exit(1)
        annotate(rest, [int(asked["id"])])
    return rows


if __name__ == "__main__":
    typer.run(main)
