"""The trained versions of projects: look at them, use others, take them along, delete old ones.

The names of versions hold the number of their project. A running service follows with its next request.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from backend.services.version_keeping import KeptVersion, VersionKeeping
from backend.settings import Settings
from backend.state.active_versions import ActiveVersions
from backend.state.database import open_database
from backend.state.event_inbox import EventInbox
from backend.state.model_store import ModelStore
from backend.state.project_store import ProjectStore
from backend.state.version_info import PREFIXES
from scripts.options import errors_to_exit

_FIGURES = ("dice", "ap50", "accuracy", "noc90")
"""Of the metrics, those that fit into a table."""
_MOST_LABELS = 5

app = typer.Typer(help=__doc__, no_args_is_help=True)
Project = Annotated[int, typer.Argument(min=0, help="Label Studio's number of the project.")]
Name = Annotated[str, typer.Argument(help="Name of the version.")]


@app.command("list")
def list_versions(project: Project) -> None:
    """List the project's versions, newest first."""
    console = Console()
    with errors_to_exit():
        versions = _keeping().versions(project)
    if not versions:
        console.print(f"Project {project} has no trained versions.")
        return
    table = Table("version", "published", "labels", "learned from", "gate", "held-out figures", "")
    for kept in versions:
        table.add_row(*_row(kept))
    console.print(table)


@app.command()
def show(
    name: Name,
    as_json: Annotated[
        bool, typer.Option("--json", help="Everything that is known, as in the version's model.json.")
    ] = False,
) -> None:
    """Show what is known about a version, after checking its files."""
    with errors_to_exit():
        kept = _keeping().find(name)
    values = kept.info.to_json()
    if as_json:
        typer.echo(json.dumps(values, indent=1))
        return
    counted = {"trained_on", "held_out"}
    table = Table("", "", show_header=False)
    for key, value in values.items():
        text = f"{len(value)} examples" if key in counted else value
        table.add_row(key, text if isinstance(text, str) else json.dumps(text, indent=1))
    table.add_row("used", _marks(kept) or "no")
    Console().print(table)


@app.command()
def activate(name: Name) -> None:
    """Let a version answer for its project, whether it passed the gate or not."""
    console = Console()
    with errors_to_exit():
        remarks = _keeping().activate(name, "activated by hand")
    console.print(f"{name} is in use.", soft_wrap=True)
    for remark in remarks:
        console.print(f"Note: {remark}", soft_wrap=True)


@app.command()
def rollback(
    project: Project,
    kind: Annotated[str, typer.Option(help="Of model: prelabel or click.")] = "prelabel",
) -> None:
    """Go back to the version that the project used before; doing it again goes back further."""
    if kind not in PREFIXES:
        raise typer.BadParameter(f"{kind!r} is neither {' nor '.join(PREFIXES)}.", param_hint="--kind")
    with errors_to_exit():
        name = _keeping().rollback(project, kind, "rolled back")
    Console().print(f"{name or 'The untrained model'} is in use.", soft_wrap=True)


@app.command()
def export(
    name: Name,
    out: Annotated[Path, typer.Option(help="A .zip file or a folder, which is made.")],
) -> None:
    """Copy a version's weights and all that is known about it."""
    with errors_to_exit():
        _keeping().export(name, out)
    Console().print(f"{out} holds {name}.", soft_wrap=True)


@app.command()
def prune(
    project: Project,
    keep: Annotated[int, typer.Option(min=0, help="How many unused versions of each kind to keep.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete old versions, but never one that is in use, was used before it, or is chosen in Label Studio."""
    console = Console()
    with errors_to_exit():
        keeping = _keeping()
        unneeded = keeping.unneeded(project, keep)
        for info in unneeded:
            console.print(info.name, soft_wrap=True)
        if unneeded and not yes and not typer.confirm(f"Delete these {len(unneeded)} for ever?"):
            console.print("Nothing was deleted.")
            return
        for info in unneeded:
            keeping.remove(info)
    console.print(f"Versions deleted: {len(unneeded)}.")


def _keeping() -> VersionKeeping:
    settings = Settings.from_environment()
    engine = open_database(settings.resolved_database_url)
    return VersionKeeping(
        ModelStore(settings.versions_dir), ActiveVersions(engine), EventInbox(engine), ProjectStore(engine)
    )


def _row(kept: KeptVersion) -> tuple[str, ...]:
    info = kept.info
    labels = [*info.schema.classes, *(question.name for question in info.schema.questions)]
    more = ["…"] if len(labels) > _MOST_LABELS else []
    return (
        info.name,
        f"{info.created_at:%Y-%m-%d %H:%M}",
        ", ".join(labels[:_MOST_LABELS] + more),
        str(len(info.trained_on)),
        "passed" if info.gate.get("passed") else "refused",
        ", ".join(f"{key} {info.metrics[key]:.3f}" for key in _FIGURES if _is_number(info.metrics.get(key))),
        _marks(kept),
    )


def _marks(kept: KeptVersion) -> str:
    marks = {"in use": kept.in_use, "chosen in Label Studio": kept.chosen, "used before": kept.next_back}
    return ", ".join(mark for mark, holds in marks.items() if holds)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)


if __name__ == "__main__":
    app()
