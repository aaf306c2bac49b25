"""The work of scripts.prelabel_project: one round of pre-labels for a project, and what is said about it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import quote

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Task as Bar
from rich.text import Text

from backend.labelstudio.client import LabelStudioClient, Project
from backend.labelstudio.prediction_checks import PredictionChecks
from backend.labelstudio.task_listing import TaskChoice
from backend.parts import needed_label_studio_api
from backend.services.bulk_prelabelling import BulkPrelabelling, Imported, Plan
from backend.settings import Settings
from backend.state.answer_file import AnswerFile
from models.prelabel import PRELABELLERS
from scripts.prelabel_model import ProjectModel, project_model

_FOLDER = "prelabels"
_PROBLEMS_SHOWN = 50


@dataclass(frozen=True)
class RoundOptions:
    """What is wanted.

    Attributes:
        choice: Which tasks.
        limit: At most so many of those without pre-labels of the version; None for all.
        delete_old: Whether older pre-labels are deleted in the end.
        dry_run: Whether everything is only said.
    """

    choice: TaskChoice
    limit: int | None
    delete_old: bool
    dry_run: bool


def run_round(console: Console, settings: Settings, project_id: int, options: RoundOptions) -> int:
    """Pre-label a project's tasks with the version in use, import and show the pre-labels.

    Args:
        console: Told what happens.
        settings: The service's.
        project_id: The project.
        options: What is wanted.

    Returns:
        How many tasks have no pre-labels in the end although they were chosen.

    Raises:
        MaskloopError: The round cannot begin or go on.
    """
    api = needed_label_studio_api(settings)
    url, key = settings.label_studio_url, settings.label_studio_api_key
    client = LabelStudioClient(url or "", key.get_secret_value() if key else "")
    project = client.project(project_id)
    model = project_model(settings, project)
    console.print(f"Project {project.id} ({project.title}), version {model.version}.", markup=False)
    path = settings.resolved_state_dir / _FOLDER / str(project.id) / f"{quote(model.version, safe='')}.jsonl"
    with AnswerFile(path, model.basis, looking=options.dry_run) as answers:
        bulk = BulkPrelabelling(api, project.id, model.version, answers)
        with console.status("Listing tasks"):
            plan = bulk.plan(options.choice, options.limit)
        console.print(
            f"Tasks: {plan.n_stored} have these pre-labels already, {len(plan.finished)} wait for their "
            f"import, {len(plan.compute)} are to be computed."
        )
        if options.dry_run:
            _foretell(console, bulk, plan, project, model.version, options)
            return 0
        problems = {number: "The project has no such task." for number in plan.unknown}
        problems |= _compute(console, bulk, plan, project, model)
        imported = _import(console, bulk, plan, problems)
        problems |= imported.refused
        if plan.n_stored or imported.n_stored:
            _show(console, client, project, model.version)
            if options.delete_old:
                _delete_old(console, bulk)
    _list(console, problems)
    return len(problems)


def _foretell(
    console: Console,
    bulk: BulkPrelabelling,
    plan: Plan,
    project: Project,
    version: str,
    options: RoundOptions,
) -> None:
    to_import = len(plan.compute) + len(plan.finished)
    if to_import:
        console.print(f"Predictions that would be imported: {to_import}")
    if (to_import or plan.n_stored) and not _is_shown(project, version):
        console.print(
            f"Would show version {version} instead of {project.model_version or 'none'}.", markup=False
        )
    for older, count in bulk.older_versions(PRELABELLERS.names).items():
        done = "would be deleted" if options.delete_old else "would be left"
        console.print(f"Version {older}: {count} predictions {done}.", markup=False)
    _list(console, {number: "The project has no such task." for number in plan.unknown})


def _compute(
    console: Console, bulk: BulkPrelabelling, plan: Plan, project: Project, model: ProjectModel
) -> dict[int, str]:
    """Compute what is missing; returns why tasks failed."""
    problems: dict[int, str] = {}
    if not plan.compute:
        return problems
    checks = PredictionChecks(project.label_config)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _SpeedColumn(),
        TimeRemainingColumn(),
    )
    with (
        Progress(*columns, console=console) as progress,
        closing(bulk.compute(plan.compute, model.predict, checks, model.workers)) as tried,
    ):
        bar = progress.add_task("Pre-labelling", total=len(plan.compute))
        for task in tried:
            if task.problem is not None:
                problems[task.task_id] = task.problem
            failed = f", {len(problems)} failed" if problems else ""
            progress.update(bar, advance=1, description=f"Pre-labelling{failed}")
    return problems


def _import(console: Console, bulk: BulkPrelabelling, plan: Plan, problems: Mapping[int, str]) -> Imported:
    computed = [task.id for task in plan.compute if task.id is not None and task.id not in problems]
    waiting = [*plan.finished, *computed]
    if not waiting:
        console.print("There is nothing to import.")
        return Imported(0, {})
    what = f"Importing {len(waiting)} predictions"
    with console.status(f"{what}; Label Studio counts the whole project, a minute with 100,000 tasks"):
        imported = bulk.store(waiting)
    console.print(f"Predictions imported: {imported.n_stored}")
    return imported


def _show(console: Console, client: LabelStudioClient, project: Project, version: str) -> None:
    if _is_shown(project, version):
        console.print("Annotators see this version already.")
        return
    client.show_predictions_of(project.id, version)
    before = f" instead of {project.model_version}" if project.model_version else ""
    console.print(f"Annotators see version {version} now{before}.", markup=False)


def _is_shown(project: Project, version: str) -> bool:
    return project.shows_predictions and project.model_version == version


def _delete_old(console: Console, bulk: BulkPrelabelling) -> None:
    left = bulk.plan(TaskChoice(unfinished=True))
    n_left = len(left.compute) + len(left.finished)
    if n_left:
        console.print(
            f"Older pre-labels are kept. Tasks that need annotations and have no new ones: {n_left}"
        )
        return
    for version, count in bulk.older_versions(PRELABELLERS.names).items():
        what = f"Deleting {count} predictions of version {version}"
        console.print(
            f"{what}. With SQLite nobody can work in Label Studio meanwhile; 100,000 take about 10 minutes.",
            markup=False,
        )
        with console.status("Deleting"):
            bulk.delete(version)


def _list(console: Console, problems: Mapping[int, str]) -> None:
    if not problems:
        return
    console.print(f"Tasks without pre-labels: {len(problems)}")
    for number, problem in sorted(problems.items())[:_PROBLEMS_SHOWN]:
        console.print(f"  Task {number}: {problem}", markup=False)
    if len(problems) > _PROBLEMS_SHOWN:
        console.print(f"  and {len(problems) - _PROBLEMS_SHOWN} more.")


class _SpeedColumn(ProgressColumn):
    """Tasks per second."""

    def render(self, task: Bar) -> Text:
        """The mean over the last half minute."""
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:.1f} tasks/s")
