"""The composition root of the queue: everything that orders the tasks of one project."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Engine

from backend.errors import QueueRoundError
from backend.job_parts import project_defaults
from backend.labelstudio.client import LabelStudioClient, Project
from backend.labelstudio.prediction_checks import PredictionChecks
from backend.labelstudio.rest import LabelStudioApi
from backend.parts import needed_label_studio_api, sequence_fields
from backend.project_model import PRELABEL_NAMES, ProjectModel, project_model
from backend.selection import SELECTORS
from backend.services.bulk_prelabelling import BulkPrelabelling
from backend.services.job_process import ReportProgress
from backend.services.projects import stored_options
from backend.services.queue_following import QueueFollowing
from backend.services.queue_order import QueueOrder
from backend.services.queue_round import QueueRounding, QueueWish
from backend.services.task_scoring import TaskScoring
from backend.settings import Settings
from backend.state.answer_file import AnswerFile
from backend.state.database import open_database
from backend.state.one_at_a_time import one_at_a_time
from backend.state.project_store import ProjectStore
from backend.state.queue_rounds import BUDGET, QueueRounds
from backend.state.task_figures import TaskFigures

_FOLDER = "queue"
_LOCK = ".lock"
_REPORT_EVERY = 20


@dataclass(frozen=True)
class Queue:
    """What orders the tasks of a project.

    Attributes:
        rounding: Makes rounds.
        following: Label Studio's side of them.
        model: What looks at the tasks.
    """

    rounding: QueueRounding
    following: QueueFollowing
    model: ProjectModel


@contextmanager
def open_queue(
    settings: Settings, engine: Engine, project: Project, wish: QueueWish, *, looking: bool = False
) -> Iterator[Queue]:
    """Load the version in use, and keep other processes away while the block lasts.

    Args:
        settings: The service's.
        engine: The database.
        project: The project.
        wish: How the order is made.
        looking: Whether the block only looks: then nothing is kept away or written.

    Raises:
        QueueRoundError: Another process orders the project, or the selector needs a trained version.
        UnknownNameError: There is no such selector.
        MaskloopError: The version cannot be loaded.
    """
    selector = SELECTORS.create(wish.selector)
    api = needed_label_studio_api(settings)
    model = project_model(settings, project)
    if selector.needs_version and not model.trained:
        raise QueueRoundError(
            f"The selector {selector.name} needs a version that the project's annotations trained, and "
            f"project {project.id} uses {model.version}. Annotate some tasks first, or choose auto."
        )
    looks = model.looks(selector.uses)
    file = queue_answers(settings, project.id, model.version)
    with (
        nullcontext() if looking else alone(settings, project.id),
        AnswerFile(file, model.basis, looking=looking) as answers,
    ):
        figures, rounds = TaskFigures(engine), QueueRounds(engine)
        following = queue_following(api, engine, project.id)
        rounding = QueueRounding(
            api,
            project.id,
            version=model.version,
            basis=model.basis,
            wish=wish,
            scoring=TaskScoring(
                looks,
                figures,
                answers,
                BulkPrelabelling(api, project.id, model.version, answers),
                project_id=project.id,
                workers=model.workers,
            ),
            answers=answers,
            order=QueueOrder(
                figures,
                project_id=project.id,
                seen_by=looks.eye.version,
                trained=model.trained,
                sequences=sequence_fields(settings),
            ),
            following=following,
            rounds=rounds,
        )
        yield Queue(rounding, following, model)
        if not looking:
            figures.forget_others(project.id, {looks.eye.version})
            for other in file.parent.glob("*.jsonl"):  # of versions that are no longer in use
                if other != file:
                    other.unlink()


def make_round(settings: Settings, project_id: int, report: ReportProgress) -> str:
    """Make a round as the project wants it.

    Args:
        settings: The service's.
        project_id: The project.
        report: Told the progress now and then; what it raises passes through.

    Returns:
        What came of it, in a sentence.

    Raises:
        MaskloopError: The round cannot begin or go on.
    """
    engine = open_database(settings.resolved_database_url)
    options = stored_options(ProjectStore(engine), project_id, project_defaults(settings))
    project = labelled_project(settings, project_id)
    wish = QueueWish(options.selector, BUDGET, seed=0)
    with open_queue(settings, engine, project, wish) as queue:
        plan = queue.rounding.plan()
        checks = PredictionChecks(project.label_config)
        with closing(queue.rounding.compute(plan, checks)) as tried:
            for number, _ in enumerate(tried):
                if number % _REPORT_EVERY == 0:
                    report(f"looking at the tasks: {number} of {len(plan.missing)}", 1.0)
        order = queue.rounding.unchanged(plan) or queue.rounding.order(plan)
        if order is None:
            return "No task is left to be ordered."
        report("changing the order in Label Studio", 1.0)
        done = queue.rounding.follow(order)
    return f"Label Studio asks {done.n_there} tasks in the order of round {order.number}."


def labelled_project(settings: Settings, project_id: int) -> Project:
    """A project as Label Studio has it.

    Raises:
        SettingsError: Label Studio's address or the key is missing.
        LabelStudioError: It does not exist, or the key may not see it.
    """
    needed_label_studio_api(settings)  # says what is missing
    url, key = settings.label_studio_url, settings.label_studio_api_key
    with LabelStudioClient(url or "", key.get_secret_value() if key else "") as client:
        return client.project(project_id)


def queue_answers(settings: Settings, project_id: int, version: str) -> Path:
    """The file that keeps a version's pre-labels between rounds."""
    name = f"{quote(version, safe='')}.jsonl"
    return settings.resolved_state_dir / _FOLDER / str(project_id) / name


def queue_following(api: LabelStudioApi, engine: Engine, project_id: int) -> QueueFollowing:
    """Label Studio's side of a project's queue."""
    return QueueFollowing(api, project_id, QueueRounds(engine), PRELABEL_NAMES)


def alone(settings: Settings, project_id: int) -> AbstractContextManager[None]:
    """Keep other processes away from a project's queue.

    Raises:
        QueueRoundError: Another process orders the project.
    """
    lock = settings.resolved_state_dir / _FOLDER / str(project_id) / _LOCK
    return one_at_a_time(lock, f"orders project {project_id}")
