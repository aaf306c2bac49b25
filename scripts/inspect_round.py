"""The work of scripts.inspect_annotations: a round, what people accept, the end of all warnings."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from backend.inspecting import Inspecting, ProjectInspection
from backend.labelstudio.annotated_tasks import AnnotatedTasks
from backend.labelstudio.task_listing import annotated_tasks
from backend.services.bulk_prelabelling import in_threads
from backend.services.inspection import TaskLook
from backend.services.inspection_verdicts import TaskVerdict
from backend.settings import Settings
from backend.state.inspections import PictureKey
from models.errors import MaskloopError
from scripts.inspection_gallery import Card, gallery
from scripts.machine import usable_cores
from scripts.progress import SpeedColumn, counting_bar, list_problems

_KEPT_AT_ONCE = 20
"""Tasks whose measurements are written together; a kill loses fewer."""


@dataclass(frozen=True)
class RoundOptions:
    """What is wanted.

    Attributes:
        rules: Names of the rules that judge; None for all.
        json_file: Where all that was found is written; None for nowhere.
        csv_file: The same, as a table.
        html_file: The worst of it, to be looked through.
        most: How many annotated pictures are in that.
        review: Whether what was found is put beside the annotations, as predictions.
        dry_run: Whether Label Studio is left as it is.
    """

    rules: tuple[str, ...] | None
    json_file: Path | None
    csv_file: Path | None
    html_file: Path | None
    most: int
    review: bool
    dry_run: bool


def run_round(console: Console, settings: Settings, project_id: int, options: RoundOptions) -> int:
    """Inspect all annotations of a project, and write warnings to its tasks.

    Args:
        console: Told what happens.
        settings: The service's.
        project_id: The project.
        options: What is wanted.

    Returns:
        How many annotated pictures could not be inspected.

    Raises:
        MaskloopError: The round cannot begin or go on.
    """
    torch.set_num_threads(1)  # each of the threads below has a core for itself
    inspecting = Inspecting(settings)
    with inspecting.alone(project_id):
        with console.status("Listing tasks"):
            project = inspecting.project(project_id, options.rules)
            n_tasks = sum(1 for _ in annotated_tasks(inspecting.api, project_id))
        version = project.inspection.version or "none"
        console.print(
            f"Project {project_id}: {n_tasks} tasks with annotations, trained version that is asked: "
            f"{version}.",
            markup=False,
        )
        problems = _measure(console, inspecting, project, project_id, n_tasks)
        with console.status("Judging"):
            verdicts = project.inspection.judge_all()
        _summarize(console, verdicts)
        _write_files(verdicts, options)
        if options.html_file is not None:
            with options.html_file.open("w", encoding="utf-8") as file:
                file.writelines(_page(console, settings, project, project_id, verdicts, options.most))
        _warn(console, project, verdicts, dry_run=options.dry_run)
        if options.review and not options.dry_run:
            _review(console, project, verdicts)
    list_problems(console, problems, "Annotations that could not be inspected")
    return len(problems)


def accept(
    console: Console, settings: Settings, project_id: int, dismissed: Sequence[tuple[int, str]]
) -> None:
    """Accept what is doubtful about tasks, and take the warnings away.

    Args:
        console: Told what happens.
        settings: The service's.
        project_id: The project.
        dismissed: Numbers of tasks with names of rules, or `ALL_RULES`.

    Raises:
        MaskloopError: The tasks cannot be read or written.
    """
    inspecting = Inspecting(settings)
    project = inspecting.project(project_id)
    for number, rule in dismissed:
        n_accepted = project.due.accept(number, rule)
        what = "all" if not rule else rule
        said = f"accepted ({what})" if n_accepted else "not annotated, or not in this project"
        console.print(f"Task {number}: {said}.", markup=False)


def clear_warnings(console: Console, settings: Settings, project_id: int, *, dry_run: bool) -> None:
    """Take all warnings away, forget what was measured, and take the tab away.

    Raises:
        MaskloopError: Label Studio refuses, or the database fails.
    """
    inspecting = Inspecting(settings)
    with inspecting.alone(project_id):
        project = inspecting.project(project_id)
        changed = project.warnings.out_of_date({})
        if dry_run:
            console.print(f"Warnings that would be taken away: {len(changed)}")
            return
        _write(console, project, changed, "Clearing")
        project.warnings.remove_tab()
        n_deleted = project.review.clear()
        project.inspection.forget_all()
        console.print(f"Warnings taken away: {len(changed)}, predictions to be reviewed: {n_deleted}")


def _measure(
    console: Console, inspecting: Inspecting, project: ProjectInspection, project_id: int, n_tasks: int
) -> dict[int, str]:
    """Measure what is new; returns why tasks failed."""
    inspection, known = project.inspection, project.inspection.known()
    keys: set[PictureKey] = set()
    problems: dict[int, str] = {}
    left_out: Counter[str] = Counter()
    waiting: list[TaskLook] = []
    n_measured = 0
    tasks = AnnotatedTasks(inspecting.api).tasks(project_id)
    with (
        counting_bar(console, SpeedColumn()) as progress,
        closing(in_threads(tasks, lambda task: inspection.look(task, known), usable_cores())) as looked,
    ):
        bar = progress.add_task("Inspecting", total=n_tasks)
        for _, future in looked:
            look = future.result()
            keys |= look.keys
            left_out.update(look.left_out)
            problems |= {key.task_id: problem for key, problem in look.problems.items()}
            n_measured += len(look.measured)
            waiting.append(look)
            if len(waiting) >= _KEPT_AT_ONCE:
                inspection.keep(waiting)
                waiting.clear()
            progress.advance(bar)
    inspection.keep(waiting)
    inspection.forget_but(keys)
    console.print(f"Annotated pictures: {len(keys)}, looked at now: {n_measured}.")
    for reason, number in sorted(left_out.items()):
        console.print(f"Left out: {number} {reason}.")
    return problems


def _summarize(console: Console, verdicts: Mapping[int, TaskVerdict]) -> None:
    warned = {number: verdict for number, verdict in verdicts.items() if verdict.issues}
    console.print(f"Tasks with a warning: {len(warned)} of {len(verdicts)}.")
    if not warned:
        return
    table = Table("rule", "tasks", "worst", "task")
    by_rule: dict[str, dict[int, float]] = {}
    for number, verdict in warned.items():
        for issue in verdict.issues:
            severities = by_rule.setdefault(issue["rule"], {})
            severities[number] = max(severities.get(number, 0.0), issue["severity"])
    for rule, found in sorted(by_rule.items(), key=lambda item: -len(item[1])):
        worst = max(found, key=found.__getitem__)
        table.add_row(rule, str(len(found)), f"{found[worst]:.2f}", str(worst))
    console.print(table)


def _warn(
    console: Console, project: ProjectInspection, verdicts: dict[int, TaskVerdict], *, dry_run: bool
) -> None:
    with console.status("Reading the warnings that are there"):
        changed = project.warnings.out_of_date(verdicts)
    if dry_run:
        console.print(f"Tasks whose warnings would be changed: {len(changed)}")
        return
    _write(console, project, changed, "Writing warnings")
    console.print(f"Tasks whose warnings were changed: {len(changed)}")


def _review(console: Console, project: ProjectInspection, verdicts: Mapping[int, TaskVerdict]) -> None:
    warned = worst_first(verdicts)
    predictions = []
    with counting_bar(console) as progress:
        bar = progress.add_task("Reading annotations", total=len(warned))
        for number, verdict in warned:
            task = project.read(number)
            prediction = None if task is None else project.review.prediction(task, verdict)
            if prediction is not None:
                predictions.append(prediction)
            progress.advance(bar)
    with console.status("Importing; Label Studio counts the whole project, a minute with 100,000 tasks"):
        version, n_stored = project.review.store(predictions)
    console.print(
        f"Predictions to be reviewed: {len(predictions)} of version {version or 'none'}, imported now: "
        f"{n_stored}.",
        markup=False,
    )


def _write(
    console: Console, project: ProjectInspection, verdicts: Mapping[int, TaskVerdict], what: str
) -> None:
    with counting_bar(console) as progress:
        bar = progress.add_task(what, total=len(verdicts))
        for number, verdict in verdicts.items():
            project.warnings.write(number, verdict)
            progress.advance(bar)


def _write_files(verdicts: Mapping[int, TaskVerdict], options: RoundOptions) -> None:
    rows = worst_first(verdicts)
    if options.json_file is not None:
        found = [
            {"task": number, "severity": verdict.severity, "issues": list(verdict.issues)}
            for number, verdict in rows
        ]
        options.json_file.write_text(json.dumps(found, indent=1), encoding="utf-8")
    if options.csv_file is not None:
        with options.csv_file.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(("task", "annotation", "image", "rule", "severity", "message", "regions", "box"))
            writer.writerows(_row(number, issue) for number, verdict in rows for issue in verdict.issues)


def _page(
    console: Console,
    settings: Settings,
    project: ProjectInspection,
    project_id: int,
    verdicts: Mapping[int, TaskVerdict],
    most: int,
) -> Iterator[str]:
    warned = worst_first(verdicts)[:most]
    with counting_bar(console) as progress:
        bar = progress.add_task("Drawing", total=len(warned))

        def cards() -> Iterator[Card]:
            for number, verdict in warned:
                link = f"{settings.label_studio_url}/projects/{project_id}/data?task={number}"
                yield from _cards(project, number, verdict, link)
                progress.advance(bar)

        yield from gallery(f"Warnings of project {project_id}", cards())


def _cards(project: ProjectInspection, number: int, verdict: TaskVerdict, link: str) -> Iterator[Card]:
    """One for each annotated picture of a task, as it is now."""
    task = project.read(number)
    subjects = () if task is None else project.subjects.of_task(task, Counter())
    for subject in subjects:
        annotation, image = subject.key.annotation_id, subject.key.to_name
        issues = [
            dict(each)
            for each in verdict.issues
            if (each["annotation"], each["image"]) == (annotation, image)
        ]
        if not issues:
            continue
        title = f"Task {number}, annotation {annotation}, {image}"
        try:
            shown = subject.subject(lambda key, image: None)
        except MaskloopError:  # its picture is missing, which was said before
            yield Card(title, link, verdict.severity, issues)
        else:
            yield Card(title, link, verdict.severity, issues, shown.image, shown.objects)


def worst_first(verdicts: Mapping[int, TaskVerdict]) -> list[tuple[int, TaskVerdict]]:
    """The tasks with warnings, by severity, then by number."""
    warned = [(number, verdict) for number, verdict in verdicts.items() if verdict.issues]
    return sorted(warned, key=lambda item: (-item[1].severity, item[0]))


def _row(number: int, issue: Mapping[str, Any]) -> list[object]:
    box = "" if issue["box"] is None else " ".join(map(str, issue["box"]))
    about = issue["annotation"], issue["image"], issue["rule"], issue["severity"], issue["message"]
    return [number, *about, " ".join(issue["region_ids"]), box]
