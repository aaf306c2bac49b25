"""The work of scripts.select_tasks: one round, its end, or an explanation, and what is said about it."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

from rich.console import Console

from backend.job_parts import project_defaults
from backend.labelstudio.client import Project
from backend.labelstudio.prediction_checks import PredictionChecks
from backend.parts import needed_label_studio_api
from backend.queueing import Queue, alone, labelled_project, open_queue, queue_following
from backend.services.projects import stored_options
from backend.services.queue_explaining import Explanation, explained
from backend.services.queue_following import QueueFollowing, shown_as
from backend.services.queue_round import QueuePlan, QueueWish
from backend.settings import Settings
from backend.state.database import open_database
from backend.state.project_store import ProjectStore
from backend.state.queue_rounds import QueueRound, QueueRounds
from backend.state.task_figures import TaskFigures
from scripts.progress import SpeedColumn, counting_bar, list_problems


@dataclass(frozen=True)
class RoundOptions:
    """What is wanted.

    Attributes:
        selector: Its name; None for the project's.
        budget: How many tasks are chosen together.
        seed: Of all chance.
        delete_old: Whether predictions of earlier rounds are deleted in the end.
        dry_run: Whether everything is only said.
    """

    selector: str | None
    budget: int
    seed: int
    delete_old: bool
    dry_run: bool


def run_round(console: Console, settings: Settings, project_id: int, options: RoundOptions) -> int:
    """Order a project's tasks with the version in use, and let Label Studio follow.

    Args:
        console: Told what happens.
        settings: The service's.
        project_id: The project.
        options: What is wanted.

    Returns:
        How many tasks are not in the order although they should be.

    Raises:
        MaskloopError: The round cannot begin or go on.
    """
    engine = open_database(settings.resolved_database_url)
    project = labelled_project(settings, project_id)
    wanted = stored_options(ProjectStore(engine), project_id, project_defaults(settings))
    wish = QueueWish(options.selector or wanted.selector, options.budget, options.seed)
    with open_queue(settings, engine, project, wish, looking=options.dry_run) as queue:
        console.print(
            f"Project {project.id} ({project.title}), version {queue.model.version}, "
            f"selector {wish.selector}.",
            markup=False,
        )
        with console.status("Listing tasks"):
            plan = queue.rounding.plan()
        console.print(
            f"Tasks: {len(plan.candidates)} to be ordered, {plan.n_drafted} with a draft are left alone, "
            f"{len(plan.labelled)} are annotated. {len(plan.missing)} must be looked at."
        )
        if options.dry_run:
            _foretell(console, queue, plan, project, delete_old=options.delete_old)
            return 0
        problems = _compute(console, queue, plan, project)
        order = _ordered(console, queue, plan)
        if order is not None:
            problems |= _followed(console, queue, order)
            if options.delete_old:
                _delete_old(console, queue.following, but=order.queue_version)
    list_problems(console, problems, "Tasks that are not in the order")
    return len(problems)


def put_back(console: Console, settings: Settings, project_id: int, *, delete_old: bool) -> None:
    """Put everything back as it was before the first round.

    Args:
        console: Told what happens.
        settings: The service's.
        project_id: The project.
        delete_old: Whether the predictions of all rounds are deleted, too.

    Raises:
        MaskloopError: There is nothing to put back, or Label Studio refuses.
    """
    engine = open_database(settings.resolved_database_url)
    following = queue_following(needed_label_studio_api(settings), engine, project_id)
    with alone(settings, project_id):
        now, lost = following.restore()
        shown = now.model_version or "none"
        console.print(f"{now.sampling} again, predictions of version: {shown}.", markup=False)
        if lost:
            console.print(f"Version {lost} cannot be shown again: it has no predictions now.", markup=False)
        if delete_old:
            _delete_old(console, following)


def explain_task(console: Console, settings: Settings, project_id: int, task_id: int) -> None:
    """Say why a task stands where it does.

    Raises:
        MaskloopError: There is no queue, or the task is not in it.
    """
    engine = open_database(settings.resolved_database_url)
    why = explained(QueueRounds(engine), TaskFigures(engine), project_id, task_id)
    order = why.order
    console.print(
        f"Task {task_id} is number {why.place} of {len(order.task_ids)} in round {order.number} of "
        f"{order.at:%Y-%m-%d %H:%M} UTC, made by the selector {order.selector} with version {order.version}.",
        markup=False,
    )
    console.print(_place_in_words(why))
    for figure in why.figures:
        console.print(f"  {figure.value:.3f}  {figure.words}; {figure.higher:.0%} of the tasks have more")
    if not why.figures:
        console.print("No version was trained then, so only the looks of the pictures could count.")


def _place_in_words(why: Explanation) -> str:
    alone = f"On its own its utility is {why.utility:.4g}; {why.more_useful} tasks have more."
    if why.in_batch:
        return (
            f"It is one of {why.order.budget} that were chosen together, so that they are not alike. {alone}"
        )
    return f"It follows the {why.order.budget} that were chosen together, by its utility. {alone}"


def _foretell(console: Console, queue: Queue, plan: QueuePlan, project: Project, *, delete_old: bool) -> None:
    newest = None if plan.missing else queue.rounding.unchanged(plan)
    if newest is not None:
        console.print(f"Nothing has changed since round {newest.number}.")
    elif plan.candidates:
        console.print(
            f"Predictions that would be imported: up to {len(plan.candidates)}. They would be shown instead "
            f"of {shown_as(project.model_version)}.",
            markup=False,
        )
    for version, count in queue.following.old_rounds(but=project.model_version).items():
        done = "would be deleted" if delete_old else "would be left"
        console.print(f"Version {version}: {count} predictions {done}.", markup=False)


def _compute(console: Console, queue: Queue, plan: QueuePlan, project: Project) -> dict[int, str]:
    """Look at what was not looked at; returns why tasks failed."""
    problems: dict[int, str] = {}
    asked = {task.id for task in plan.candidates}
    if not len(plan.missing):
        return problems
    with (
        counting_bar(console, SpeedColumn()) as progress,
        closing(queue.rounding.compute(plan, PredictionChecks(project.label_config))) as tried,
    ):
        bar = progress.add_task("Looking", total=len(plan.missing))
        for task in tried:
            if task.problem is not None and task.task_id in asked:  # annotated ones are asked no more
                problems[task.task_id] = task.problem
            failed = f", {len(problems)} failed" if problems else ""
            progress.update(bar, advance=1, description=f"Looking{failed}")
    return problems


def _ordered(console: Console, queue: Queue, plan: QueuePlan) -> QueueRound | None:
    with console.status("Choosing"):
        standing = queue.rounding.unchanged(plan)
        order = standing or queue.rounding.order(plan)
    if order is None:
        console.print("There is nothing to order.")
    elif standing is not None:
        console.print(f"Nothing has changed since round {order.number}.")
    else:
        first = ", ".join(str(number) for number in order.task_ids[:5])
        console.print(f"Round {order.number}: {len(order.task_ids)} tasks, the first are {first}.")
    return order


def _followed(console: Console, queue: Queue, order: QueueRound) -> dict[int, str]:
    what = f"Importing {len(order.task_ids)} predictions"
    with console.status(f"{what}; Label Studio counts the whole project, a minute with 100,000 tasks"):
        done = queue.rounding.follow(order)
    if done.imported.n_stored:
        console.print(f"Predictions imported: {done.imported.n_stored}")
    console.print(
        f"Predictions of version {order.queue_version}: {done.n_there}, tasks in the order: "
        f"{len(order.task_ids)}.",
        markup=False,
    )
    now = "now" if done.switched else "already"
    console.print(f"Label Studio asks in this order {now}.")
    return done.imported.refused


def _delete_old(console: Console, following: QueueFollowing, *, but: str = "") -> None:
    for version, count in following.old_rounds(but).items():
        what = f"Deleting {count} predictions of version {version}"
        console.print(
            f"{what}. With SQLite nobody can work in Label Studio meanwhile; 100,000 take about 10 minutes.",
            markup=False,
        )
        with console.status("Deleting"):
            following.delete(version)
