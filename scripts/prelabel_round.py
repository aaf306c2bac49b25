"""The work of scripts.prelabel_project: one round of pre-labels for a project, and what is said about it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import quote

from rich.console import Console

from backend.labelstudio.client import LabelStudioClient, Project
from backend.labelstudio.prediction_checks import PredictionChecks
from backend.labelstudio.task_listing import TaskChoice
from backend.parts import needed_label_studio_api
from backend.project_model import PRELABEL_NAMES, ProjectModel, project_model
from backend.services.bulk_prelabelling import BulkPrelabelling, Imported, Plan
from backend.settings import Settings
from backend.state.answer_file import AnswerFile
from backend.state.version_info import answering_version, queue_round
from scripts.progress import SpeedColumn, counting_bar, list_problems

_FOLDER = "prelabels"


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
    needed_label_studio_api(settings)  # says which setting is missing
    url, key = settings.label_studio_url, settings.label_studio_api_key
    with LabelStudioClient(url or "", key.get_secret_value() if key else "") as client:
        return _run(console, settings, client, client.project(project_id), options)


def _run(
    console: Console, settings: Settings, client: LabelStudioClient, project: Project, options: RoundOptions
) -> int:
    api = needed_label_studio_api(settings)
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
                _delete_old(console, bulk, project)
    list_problems(console, problems)
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
    for older, count in _unneeded(bulk, project).items():
        done = "would be deleted" if options.delete_old else "would be left"
        console.print(f"Version {older}: {count} predictions {done}.", markup=False)
    list_problems(console, {number: "The project has no such task." for number in plan.unknown})


def _compute(
    console: Console, bulk: BulkPrelabelling, plan: Plan, project: Project, model: ProjectModel
) -> dict[int, str]:
    """Compute what is missing; returns why tasks failed."""
    problems: dict[int, str] = {}
    if not plan.compute:
        return problems
    checks = PredictionChecks(project.label_config)
    with (
        counting_bar(console, SpeedColumn()) as progress,
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
    if queue_round(project.model_version) is not None:
        console.print("That ended the queue: tasks come in no order until select_tasks makes one again.")


def _is_shown(project: Project, version: str) -> bool:
    """Whether annotators see the version, maybe in the order of the queue, which then stays."""
    return project.shows_predictions and answering_version(project.model_version) == version


def _unneeded(bulk: BulkPrelabelling, project: Project) -> dict[str, int]:
    """Older versions, but for the queue if it stays."""
    older = bulk.older_versions(PRELABEL_NAMES)
    if _is_shown(project, bulk.version):
        older.pop(project.model_version, None)
    return older


def _delete_old(console: Console, bulk: BulkPrelabelling, project: Project) -> None:
    left = bulk.plan(TaskChoice(unfinished=True))
    n_left = len(left.compute) + len(left.finished)
    if n_left:
        console.print(
            f"Older pre-labels are kept. Tasks that need annotations and have no new ones: {n_left}"
        )
        return
    for version, count in _unneeded(bulk, project).items():
        what = f"Deleting {count} predictions of version {version}"
        console.print(
            f"{what}. With SQLite nobody can work in Label Studio meanwhile; 100,000 take about 10 minutes.",
            markup=False,
        )
        with console.status("Deleting"):
            bulk.delete(version)
