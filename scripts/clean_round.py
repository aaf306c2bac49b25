"""The work of scripts.clean_annotations: one round for a project, and what is said about it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from backend.job_parts import project_defaults
from backend.labelstudio.annotated_tasks import AnnotatedTasks
from backend.labelstudio.client import LabelStudioClient, Project
from backend.labelstudio.label_config import LabelConfig
from backend.labelstudio.prediction_checks import PredictionChecks
from backend.labelstudio.review_predictions import is_review
from backend.labelstudio.submissions import AnnotatedTask
from backend.labelstudio.task_listing import annotated_tasks
from backend.observability import Metrics
from backend.parts import image_loader, needed_label_studio_api, result_options
from backend.services.annotation_cleaning import AnnotationCleaning
from backend.services.cleaning_round import (
    CleaningRound,
    LookedAt,
    cleaned_versions,
    cleaning_version,
    clear,
    file_of,
)
from backend.services.projects import stored_options
from backend.services.region_cleaning import StepChange
from backend.settings import Settings
from backend.state.answer_file import AnswerFile
from backend.state.database import open_database
from backend.state.project_store import ProjectStore
from models.arrays import Image
from models.chain_text import build_chain
from models.postprocess import POST_PROCESSORS
from models.training.atomic_files import write_atomically
from scripts.machine import usable_cores
from scripts.progress import counting_bar, list_problems

_FOLDER = "cleaned"
_RULES = 1
"""Changes when what is found in the same annotation with the same chain changes."""


@dataclass(frozen=True)
class CleanOptions:
    """What is wanted.

    Attributes:
        chain: The steps; None for those of the project.
        least_change: Annotations of which no object changed by more, as 1 - IoU, are left alone.
        json_file: Where the changes are written, by task; None for nowhere.
        show: Whether the project shows the predictions when a task is opened.
        dry_run: Whether everything is only said.
    """

    chain: str | None
    least_change: float
    json_file: Path | None
    show: bool
    dry_run: bool


def run_round(console: Console, settings: Settings, project_id: int, options: CleanOptions) -> int:
    """Clean what was submitted in a project.

    Args:
        console: Told what happens.
        settings: The service's.
        project_id: The project.
        options: What is wanted.

    Returns:
        How many tasks could not be cleaned.

    Raises:
        MaskloopError: The round cannot begin or go on.
    """
    needed_label_studio_api(settings)  # says which setting is missing
    url, key = settings.label_studio_url, settings.label_studio_api_key
    with LabelStudioClient(url or "", key.get_secret_value() if key else "") as client:
        return _run(console, settings, client, client.project(project_id), options)


def run_clear(console: Console, settings: Settings, project_id: int, *, dry_run: bool) -> None:
    """Delete the predictions of all rounds of a project.

    Args:
        console: Told what happens.
        settings: The service's.
        project_id: The project.
        dry_run: Whether it is only said.

    Raises:
        MaskloopError: Label Studio refused, failed, or cannot be reached.
    """
    api = needed_label_studio_api(settings)
    found = cleaned_versions(api, project_id)
    if not dry_run:
        with console.status("Deleting"):
            found = clear(api, project_id, _folder(settings, project_id))
    done = "would be deleted" if dry_run else "deleted"
    for version, count in found.items():
        console.print(f"Version {version}: {count} predictions {done}.")
    if not found:
        console.print(f"Project {project_id} holds no cleaned annotations.")


def _run(
    console: Console, settings: Settings, client: LabelStudioClient, project: Project, options: CleanOptions
) -> int:
    api = needed_label_studio_api(settings)
    chain = _chain(settings, project, options)
    folder = _folder(settings, project.id)
    basis = _basis(project, chain, settings, options)
    version = cleaning_version(folder, basis, cleaned_versions(api, project.id))
    console.print(f"Project {project.id} ({project.title}), version {version}: {chain or 'no steps'}.")
    cleaning = _cleaning(settings, project, chain, version, options)
    with AnswerFile(file_of(folder, version), basis, looking=options.dry_run) as answers:
        with console.status("Listing tasks"):
            round_ = CleaningRound(api, project.id, version, answers, dry_run=options.dry_run)
            n_tasks = sum(1 for _ in annotated_tasks(api, project.id))
        tasks = AnnotatedTasks(api).tasks(project.id)
        checks = PredictionChecks(project.label_config)
        found: list[LookedAt] = []
        with (
            counting_bar(console) as progress,
            closing(round_.look(tasks, cleaning, checks, usable_cores())) as looked_at,
        ):
            bar = progress.add_task("Cleaning", total=n_tasks)
            for each in looked_at:
                found.append(each)
                progress.advance(bar)
        problems = {each.task_id: each.problem for each in found if each.problem is not None}
        _report(console, found, round_, options)
        if not options.dry_run:
            problems |= _store(console, client, project, version, round_, show=options.show)
    if options.json_file is not None:
        write_atomically(options.json_file, _json(version, chain, found).encode())
    list_problems(console, problems, "Tasks that could not be cleaned")
    return len(problems)


def _store(
    console: Console,
    client: LabelStudioClient,
    project: Project,
    version: str,
    round_: CleaningRound,
    *,
    show: bool,
) -> dict[int, str]:
    """Import what is missing; returns why tasks were refused."""
    with console.status("Importing; Label Studio counts the whole project, a minute with 100,000 tasks"):
        imported = round_.store()
    console.print(f"Predictions imported: {imported.n_stored}")
    if show and imported.n_stored + round_.n_stored and project.model_version != version:
        client.show_predictions_of(project.id, version)
        before = project.model_version or "none"
        console.print(f"The project shows version {version} now instead of {before}.", markup=False)
    elif is_review(project.model_version):
        console.print(f"The project shows version {project.model_version}; prelabel_project changes that.")
    return imported.refused


def _chain(settings: Settings, project: Project, options: CleanOptions) -> str:
    if options.chain is not None:
        return options.chain
    store = ProjectStore(open_database(settings.resolved_database_url))
    return ",".join(stored_options(store, project.id, project_defaults(settings)).postprocess)


def _cleaning(
    settings: Settings, project: Project, chain: str, version: str, options: CleanOptions
) -> AnnotationCleaning:
    config = LabelConfig.parse(project.label_config)
    images = image_loader(settings, Metrics())

    def load(task: AnnotatedTask, to_name: str) -> Image:
        address = config.image_url(to_name, task.data)
        return images.load(address, task_id=task.id, project_id=project.id).pixels

    return AnnotationCleaning(
        config,
        build_chain(POST_PROCESSORS, chain),
        load,
        version=version,
        least_change=options.least_change,
        options=result_options(settings),
    )


def _folder(settings: Settings, project_id: int) -> Path:
    return settings.resolved_state_dir / _FOLDER / str(project_id)


def _basis(project: Project, chain: str, settings: Settings, options: CleanOptions) -> str:
    """Changes with what the results depend on besides the tasks."""
    parts = [_RULES, project.label_config, chain, options.least_change, asdict(result_options(settings))]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode("ascii")).hexdigest()[:16]


def _report(
    console: Console, found: Sequence[LookedAt], round_: CleaningRound, options: CleanOptions
) -> None:
    steps = [step for each in found for step in each.steps]
    if steps:
        console.print(_table(steps))
    n_new = sum(each.is_new for each in found)
    n_changed = sum(each.worth_a_look for each in found)
    console.print(
        f"Annotated tasks: {len(found)}, {n_new} of them new or changed. Worth a look: {n_changed}, "
        f"{round_.n_stored} of them in Label Studio already."
    )
    if options.dry_run:
        console.print(f"Predictions that would be imported: {len(round_.to_import)}")


def _table(steps: Sequence[StepChange]) -> Table:
    """A line for each step and class."""
    table = Table("step", "class", "regions", "after", "changed", "px added", "px removed", "IoU")
    for name, class_name in dict.fromkeys((step.step, step.class_name) for step in steps):
        own = [step for step in steps if (step.step, step.class_name) == (name, class_name)]
        before = sum(step.before for step in own)
        counts = (
            before,
            sum(step.after for step in own),
            sum(step.changed for step in own),
            sum(step.added for step in own),
            sum(step.removed for step in own),
        )
        iou = sum(step.iou * step.before for step in own) / before
        table.add_row(name, class_name or "-", *map(str, counts), f"{iou:.4f}")
    return table


def _json(version: str, chain: str, found: Sequence[LookedAt]) -> str:
    tasks = [
        {
            "task": each.task_id,
            "problem": each.problem,
            "change": round(each.change, 6),
            "worth_a_look": each.worth_a_look,
            "steps": [asdict(step) for step in each.steps],
        }
        for each in sorted(found, key=lambda each: each.task_id)
    ]
    return json.dumps({"version": version, "chain": chain, "tasks": tasks}, indent=1)
