"""Look at trainings, ask for one, cancel one, watch one."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from backend.errors import UnknownProjectError
from backend.job_parts import job_queue, project_defaults
from backend.services.projects import stored_options
from backend.settings import Settings
from backend.state.database import open_database
from backend.state.jobs import Job, JobStore
from backend.state.project_store import ProjectStore
from scripts.options import errors_to_exit

cli = typer.Typer(help="Look at trainings, ask for one, cancel one, watch one.", no_args_is_help=True)

_WATCH_S = 0.5
_ENDED = ("done", "failed", "cancelled")
Number = Annotated[int, typer.Argument(help="Number of the job, as in `list`.")]


@dataclass(frozen=True)
class _State:
    settings: Settings
    jobs: JobStore
    projects: ProjectStore


def _open() -> _State:
    settings = Settings.from_environment()
    engine = open_database(settings.resolved_database_url)
    return _State(settings, JobStore(engine), ProjectStore(engine))


@cli.command("list")
def list_jobs(
    project: Annotated[int | None, typer.Option(help="Only those of this project.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, the latest first.")] = 20,
) -> None:
    """List trainings, the latest first."""
    with errors_to_exit():
        found = _open().jobs.newest(limit, project)
    table = Table("job", "project", "state", "asked for", "because", "took", "outcome")
    for job in found:
        state = f"{job.state} {job.share:.0%}" if job.state == "running" else job.state
        outcome = job.message or job.stage
        table.add_row(
            str(job.id), str(job.project_id), state, _local(job.created_at), job.reason, _took(job), outcome
        )
    Console().print(table)


@cli.command()
def show(number: Number) -> None:
    """Show all that is known about one training."""
    with errors_to_exit():
        job = _open().jobs.find(number)
    console = Console()
    for name, value in vars(job).items():
        shown = _local(value) if isinstance(value, datetime) else value
        console.print(f"{name}: {json.dumps(shown) if isinstance(shown, dict) else shown}", soft_wrap=True)


@cli.command()
def cancel(number: Number) -> None:
    """Cancel a training: at once if it waits, within seconds if it runs."""
    with errors_to_exit():
        job = _open().jobs.request_cancel(number)
    if job.state == "running":
        print(f"Job {job.id} is told to end.")
    else:
        print(f"Job {job.id} is {job.state}.")


@cli.command()
def run(project: Annotated[int, typer.Argument(help="Number of the project in Label Studio.")]) -> None:
    """Train a project now, whatever has changed in it."""
    with errors_to_exit():
        state = _open()
        if state.projects.newest(project) is None:
            raise UnknownProjectError(
                f"Label Studio never announced project {project} here. "
                f"`python -m scripts.connect --project {project}` connects it."
            )
        if not stored_options(state.projects, project, project_defaults(state.settings)).learn:
            print("This project does not learn (learn is false): what is trained will not be used.")
        job = state.jobs.queue(project, "asked for on the command line")
        if job is None:
            print(f"A training of project {project} waits already.")
        else:
            print(f"Job {job.id} waits for the worker; `python -m scripts.jobs watch {job.id}` follows it.")
        job_queue(state.settings).run()


@cli.command()
def watch(
    number: Annotated[
        int | None, typer.Argument(help="Number of the job; all that wait or run if left out.")
    ] = None,
) -> None:
    """Follow trainings until they have ended; Ctrl-C ends only the watching."""
    with errors_to_exit(), suppress(KeyboardInterrupt):
        jobs = _open().jobs
        ended = _follow(jobs, number)
        for job in ended:
            print(f"Job {job.id} is {job.state}. {job.message}")
        if not ended:
            print("No training waits or runs.")
        if any(job.state == "failed" for job in ended):
            raise SystemExit(1)


def _follow(jobs: JobStore, number: int | None) -> list[Job]:
    """Show the progress of jobs until they have ended; returns them."""
    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%")
    bars: dict[int, TaskID] = {}
    with Progress(*columns, TimeElapsedColumn()) as progress:
        while True:
            waiting = (
                [*jobs.in_state("queued"), *jobs.in_state("running")]
                if number is None
                else [jobs.find(number)]
            )
            for each in (job.id for job in waiting if job.id not in bars):
                bars[each] = progress.add_task("", total=1.0)
            current = [jobs.find(each) for each in bars]
            for job in current:
                words = f"job {job.id}, project {job.project_id}: {job.stage or job.state}"
                progress.update(bars[job.id], description=words, completed=job.share)
            if all(job.state in _ENDED for job in current):
                return current
            time.sleep(_WATCH_S)


def _local(at: datetime) -> str:
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _took(job: Job) -> str:
    if job.started_at is None:
        return ""
    seconds = ((job.finished_at or datetime.now(timezone.utc)) - job.started_at).total_seconds()
    return f"{seconds:.0f} s"


if __name__ == "__main__":
    cli()
