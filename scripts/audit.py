"""Audit what a model labelled: draw tasks that people check in Label Studio, then report how right it is."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from backend.errors import AuditError
from backend.labelstudio.annotated_tasks import AnnotatedTasks
from backend.labelstudio.label_config import LabelConfig
from backend.labelstudio.queue_settings import read_queue_settings
from backend.labelstudio.rest import LabelStudioApi
from backend.parts import needed_label_studio_api
from backend.services.agreement import Agreement
from backend.services.audit import AuditReport, automation_of, read_checked, report
from backend.services.audit_draw import LARGEST_SAMPLE, TAB, draw, drawn_tasks, population, show_audit
from backend.services.audit_statistics import Estimate
from backend.settings import Settings
from backend.state.audits import Audit, Audits
from scripts.options import errors_to_exit
from scripts.progress import counting_bar

_FOLDER = "audits"

app = typer.Typer(help=__doc__, no_args_is_help=True)
Project = Annotated[int, typer.Option(help="Label Studio's number of the project.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("draw")
def draw_sample(
    project: Project,
    sample: Annotated[int, typer.Option(min=1, max=LARGEST_SAMPLE, help="How many tasks to check.")] = 100,
    stratified: Annotated[
        bool,
        typer.Option("--stratified", help="As many tasks from each range of scores, as far as there are."),
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of the draw.")] = 0,
    new: Annotated[bool, typer.Option("--new", help="Draw although the last audit is not finished.")] = False,
) -> None:
    """Draw tasks that a model labelled and nobody has annotated, and put them into a tab called Audit.

    People open the tab and submit each task, as it is or corrected. The version that the project shows is
    audited.
    """
    console = Console(soft_wrap=True, highlight=False)
    with errors_to_exit():
        settings = Settings.from_environment()
        api, audits = needed_label_studio_api(settings), Audits(settings.resolved_state_dir / _FOLDER)
        last = audits.latest(project)
        if last is not None and not new:
            left = len(last.tasks) - _count_checked(console, api, last)
            if left:
                show_audit(api, last)
                raise AuditError(
                    f"{left} of {len(last.tasks)} tasks of audit {last.number} are not checked yet; they are "
                    f"in the tab {TAB}. --new draws others nevertheless."
                )
        audit = _drawn(
            console, api, project, sample, seed, stratified=stratified, number=_next(audits, project)
        )
        audits.save(audit)
        show_audit(api, audit)
    n_tasks = sum(stratum.size for stratum in audit.strata)
    console.print(
        f"Audit {audit.number}: {len(audit.tasks)} of {n_tasks} tasks are in the tab {TAB} of project "
        f"{project}. Let people submit each, as it is or corrected; then report.",
        markup=False,
    )
    for stratum in audit.strata if stratified else ():
        console.print(f"  scores {stratum.low:.3f} to {stratum.high:.3f}: {stratum.size} tasks")


@app.command("report")
def report_audit(
    project: Project,
    number: Annotated[
        int | None, typer.Option("--audit", min=1, help="Which audit; default the last.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Report what people made of the drawn tasks, weighted back to all that could have been drawn."""
    console = Console(soft_wrap=True, highlight=False, stderr=as_json)
    with errors_to_exit():
        settings = Settings.from_environment()
        api, audits = needed_label_studio_api(settings), Audits(settings.resolved_state_dir / _FOLDER)
        audit = audits.latest(project) if number is None else audits.load(project, number)
        if audit is None:
            raise AuditError(f"Nothing was drawn: python -m scripts.audit draw --project {project}.")
        with counting_bar(console) as progress:
            bar = progress.add_task("Reading what was checked", total=len(audit.tasks))
            checked = read_checked(api, audit, lambda: progress.advance(bar))
        every_drawn = [
            task.id for each in audits.numbers(project) for task in audits.load(project, each).tasks
        ]
        agreement = Agreement(LabelConfig.parse(AnnotatedTasks(api).label_config(project)))
        found = report(audit, checked, agreement, automation_of(api, project, every_drawn))
    if as_json:
        typer.echo(json.dumps(_json(found), indent=1))
        return
    _say(console, found)


def _drawn(
    console: Console,
    api: LabelStudioApi,
    project: int,
    sample: int,
    seed: int,
    *,
    stratified: bool,
    number: int,
) -> Audit:
    version = read_queue_settings(api, project).model_version
    with console.status("Listing tasks"):
        scores = population(api, project, version) if version else {}
    if not scores:
        raise AuditError(
            f"Project {project} has no task with a prediction of the version that it shows "
            f"({version or 'none'}) that nobody has annotated. python -m scripts.autolabel makes them."
        )
    drawn_at = time.time()
    places, strata = draw(scores, sample, seed, stratified=stratified)
    with console.status("Reading the predictions"):
        tasks = drawn_tasks(api, places, scores, version)
    return Audit(project, number, version, drawn_at, seed, strata, tuple(tasks))


def _count_checked(console: Console, api: LabelStudioApi, audit: Audit) -> int:
    with counting_bar(console) as progress:
        bar = progress.add_task("Looking at the last audit", total=len(audit.tasks))
        return len(read_checked(api, audit, lambda: progress.advance(bar)))


def _next(audits: Audits, project: int) -> int:
    return max(audits.numbers(project), default=0) + 1


def _say(console: Console, found: AuditReport) -> None:
    console.print(
        f"Audit {found.audit} of {found.version}: {found.checked} of {found.drawn} tasks are checked."
    )
    if found.unreadable:
        console.print(f"Tasks that cannot be compared: {found.unreadable}")
    share = found.automation
    console.print(f"Labelled by people: {share.labelled} of {share.tasks}; automation {share.share:.1%}")
    table = Table("", "value", "95 % interval", "of")
    rows: list[tuple[str, Estimate | None, str]] = [
        ("submitted as predicted", found.unchanged, "tasks"),
        ("mean Dice of a picture", found.dice, "pictures"),
        ("mean IoU of an object", found.object_iou, "objects"),
    ]
    rows += [(f"pictures with IoU ≥ {least:g}", value, "pictures") for least, value in found.pictures.items()]
    rows += [(f"objects with IoU ≥ {least:g}", value, "objects") for least, value in found.objects.items()]
    rows += [(f"right answers, {name}", value, "tasks") for name, value in found.answers.items()]
    for name, value, of_what in rows:
        if value is not None:
            interval = f"{value.low:.3f}–{value.high:.3f}"
            table.add_row(name, f"{value.value:.3f}", interval, f"{value.n} {of_what}")
    if table.row_count:
        console.print(table)


def _json(found: AuditReport) -> dict[str, object]:
    return asdict(found) | {"automation": asdict(found.automation) | {"share": found.automation.share}}


if __name__ == "__main__":
    app()
